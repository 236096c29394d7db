"""gzip, expanded as it comes in."""

import zlib
from collections.abc import Iterator

from service.errors import BrokenGzipError

GZIP_MAGIC = b"\x1f\x8b"
"""First bytes of every gzip file (RFC 1952)."""

_EXPANDED_BYTES = 65_536


class Gunzip:
    """Expands gzip, of one member or several, in bounded pieces: a bomb gives many small ones."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False  # within a member

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Expand a chunk.

        Yields:
            The expanded bytes; an empty piece for a member without content, which is work too, so that the caller can
            let others run.

        Raises:
            BrokenGzipError: the data are not gzip.
        """
        while chunk:
            if not self._begun:
                chunk = chunk.lstrip(b"\0")  # padding, as tape drives leave it
                self._begun = bool(chunk)
            try:
                piece = self._member.decompress(chunk, _EXPANDED_BYTES)
            except zlib.error as error:
                raise BrokenGzipError("The data are not gzip, or they are damaged.") from error
            chunk = self._member.unconsumed_tail
            if self._member.eof:
                chunk = self._member.unused_data
                self._member = zlib.decompressobj(wbits=31)
                self._begun = False
            yield piece

    def finish(self) -> None:
        """Check that the data ended with a member.

        Raises:
            BrokenGzipError: they ended within one.
        """
        if self._begun:
            raise BrokenGzipError("The gzip data ends too early.")
