"""A JSON array to its elements, however the bytes are cut into chunks, holding no more than one element."""

import re
from collections.abc import Iterator

from service.errors import InvalidRequestError
from service.files.record import Position
from service.files.splitting import Line

_OUTSIDE = re.compile(rb'["\[\]{},]')
_TOKENS_A_TURN = 200
_INSIDE = re.compile(rb'["\\]')


class ArraySplitter:
    """Cuts an array at its commas, without reading the elements.

    Args:
        max_bytes: bytes that an element may have, blanks around it included. A longer one is skipped.
        start: where the first chunk begins, if the opening bracket was read before.
    """

    def __init__(self, max_bytes: int, start: Position | None = None) -> None:
        self._max_bytes = max_bytes
        self._offset, self._elements = start or Position()
        self.started = bool(self._offset)
        self._depth = int(self.started)
        self._in_string = False
        self._closed = False
        self._held = bytearray()  # what there is of the next element
        self._scanned = 0  # bytes of it
        self._too_long = False
        self._separated = False  # by a comma from the element before

    @property
    def position(self) -> Position:
        """The place up to which elements have been cut out, and their number."""
        return Position(self._offset, self._elements)

    def feed(self, chunk: bytes) -> Iterator[Line | None]:
        """Cut out the elements that are complete with this chunk.

        Raises:
            InvalidRequestError: something follows the array.
        """
        self.started = True
        self._held += chunk
        start, at, tokens = 0, self._scanned, 0
        while not self._closed and (found := (_INSIDE if self._in_string else _OUTSIDE).search(self._held, at)):
            token, at, tokens = found[0], found.end(), tokens + 1
            del found  # or the buffer could not grow
            if tokens % _TOKENS_A_TURN == 0:
                yield None
            ends, begins = self._take(token)
            if token == b"\\":
                at += 1  # the escaped character, which may be in the next chunk
            if ends and (line := self._element(start, at)):
                yield line
            if ends or begins:
                self._offset += at - start
                start = at
        if self._closed and self._held[start:].strip():
            raise InvalidRequestError("More follows after the end of the array.")
        self._scanned = max(at, len(self._held)) - start
        del self._held[:start]
        if len(self._held) > self._max_bytes:
            self._too_long = True
            self._offset += len(self._held)
            self._scanned -= len(self._held)
            self._held.clear()
        yield None

    def finish(self) -> Iterator[Line | None]:
        """Check that the array was closed.

        Raises:
            InvalidRequestError: it was not.
        """
        if not self._closed:
            raise InvalidRequestError("The file ends before its array is closed; it was probably cut off.")
        yield None

    def _take(self, token: bytes) -> tuple[bool, bool]:
        """Note a token; tell whether it ends an element, and whether it begins the first."""
        if token == b'"':
            self._in_string = not self._in_string
        elif token in b"[{":
            self._depth += 1
            return False, self._depth == 1
        elif token in b"]}":
            self._depth -= 1
            self._closed = self._depth == 0
            return self._closed, False
        return token == b"," and self._depth == 1, False

    def _element(self, start: int, end: int) -> Line | None:
        data = bytes(self._held[start : end - 1]).strip()
        too_long = self._too_long or end - start > self._max_bytes
        if self._closed and not (data or too_long or self._separated):
            return None  # an empty array
        self._too_long, self._separated = False, True
        self._elements += 1
        after = Position(self._offset + end - start, self._elements)
        return Line(self._elements, b"" if too_long else data, too_long, False, after)
