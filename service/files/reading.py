"""Chunks of a file, compressed or not, in any encoding, to records."""

from collections.abc import Iterator

from service.files.compression import Gunzip
from service.files.encoding import Decoding
from service.files.record import Format, Position, Record


class Reader:
    """Reader of the records in the chunks of a file.

    Args:
        file_format: reads the expanded bytes in UTF-8.
        compressed: whether the chunks are gzip.
        encoding: of the file, from `encoding_named`; None to detect it.
        start: where reading is resumed. The chunks then begin there if `raw` is set, else at the start of the file.
        raw: whether the file is uncompressed UTF-8, so that one can begin in the middle of it.
    """

    def __init__(
        self,
        file_format: Format,
        compressed: bool,
        encoding: str | None = None,
        start: Position | None = None,
        raw: bool = False,
    ) -> None:
        self._format = file_format
        self._gunzip = Gunzip() if compressed else None
        self._decoding = Decoding(file_format.options, encoding, resumed=raw)
        self._skip = 0 if raw or not start else start.offset

    @property
    def raw(self) -> bool:
        """True if the file is uncompressed UTF-8."""
        return self._decoding.raw and not self._gunzip

    def feed(self, chunk: bytes) -> Iterator[Record | None]:
        """Read the records that are complete with this chunk, one by one.

        None stands for work without a record, after which the caller can let other tasks run.

        Raises:
            ServiceError: the file as a whole cannot be read.
        """
        for expanded in self._gunzip.feed(chunk) if self._gunzip else (chunk,):
            yield from self._read(self._decoding.feed(expanded))
            yield None

    def finish(self) -> Iterator[Record | None]:
        """Read what is left when the file has ended.

        Raises:
            ServiceError: the file as a whole cannot be read.
        """
        if self._gunzip:
            self._gunzip.finish()
        yield from self._read(self._decoding.finish())
        yield from self._format.finish()

    def _read(self, pieces: Iterator[bytes]) -> Iterator[Record | None]:
        for piece in pieces:
            self._format.encoding = self._decoding.encoding
            if self._skip < len(piece):
                yield from self._format.feed(piece[self._skip :])
            self._skip = max(0, self._skip - len(piece))
