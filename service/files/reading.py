"""Chunks of a file, compressed or not, to records."""

import zlib
from collections.abc import Iterator

from service.errors import BrokenGzipError
from service.files.record import Format, Record

_EXPANDED_BYTES = 65_536


class Gunzip:
    """Expands gzip, of one member or several, a bounded piece at a time: a bomb gives many pieces, no large one."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False  # within a member

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What the chunk expands to.

        Raises:
            BrokenGzipError: it is not gzip.
        """
        while chunk:
            if not self._begun:
                chunk = chunk.lstrip(b"\0")  # padding, as tape drives leave it
                self._begun = bool(chunk)
            try:
                piece = self._member.decompress(chunk, _EXPANDED_BYTES)
            except zlib.error as error:
                raise BrokenGzipError("The data is not gzip, or it is damaged.") from error
            chunk = self._member.unconsumed_tail
            if self._member.eof:
                chunk = self._member.unused_data
                self._member = zlib.decompressobj(wbits=31)
                self._begun = False
            if piece:
                yield piece

    def finish(self) -> None:
        """To be called when the data has ended.

        Raises:
            BrokenGzipError: in the middle of a member.
        """
        if self._begun:
            raise BrokenGzipError("The gzip data ends too early.")


class Reader:
    """A file's records, from its chunks.

    Args:
        file_format: reads the expanded bytes.
        compressed: whether the chunks are gzip.
    """

    def __init__(self, file_format: Format, compressed: bool) -> None:
        self._format = file_format
        self._gunzip = Gunzip() if compressed else None

    def feed(self, chunk: bytes) -> Iterator[Record | None]:
        """The records that are complete with this chunk, read as they are asked for.

        None stands for work that gave no record, so that whoever asks can do something else now and then, however
        long the next record takes to come.
        """
        for piece in self._gunzip.feed(chunk) if self._gunzip else (chunk,):
            yield from self._format.feed(piece)
            yield None

    def finish(self) -> Iterator[Record | None]:
        """What is left when the file has ended."""
        if self._gunzip:
            self._gunzip.finish()
        yield from self._format.finish()
