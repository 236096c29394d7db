"""UTF-8 to lines, or to CSV rows, however the bytes are cut into chunks, holding no more than one line."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from service.files.record import Position

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line, the lines of a row, or an element of an array.

    Attributes:
        number: of its first line, or of the element, from 1.
        data: with the end of the line; empty if too long.
        too_long: whether it has more bytes than a line may have; they are dropped.
        unclosed: whether the file ended within quotes.
        after: the place after it.
    """

    number: int
    data: bytes
    too_long: bool
    unclosed: bool
    after: Position


class Splitter:
    """Cuts a file, chunk after chunk, at the ends of its lines (LF or CR LF).

    Args:
        max_bytes: that a line may have, its end included. Of a longer one only the end is looked for.
        stays_open: for CSV: tells whether a line, begun within quotes or not, ends within quotes, so that the next
            belongs to the same row. May be set anew between two rows.
        start: where in the file the first chunk begins.
    """

    def __init__(
        self, max_bytes: int, stays_open: Callable[[bytes, bool], bool] | None = None, start: Position | None = None
    ) -> None:
        self.byte_order_mark = b""
        self._max_bytes = max_bytes
        self.stays_open = stays_open
        self._start = b""  # the first bytes, until there are enough of them to know the encoding
        self.started = bool(start and start.offset)
        self._offset, self._lines = start or Position()
        self._number = self._lines + 1
        self._held = bytearray()  # what there is of the next line or row
        self._checked = 0  # bytes of it that are whole lines
        self._open = False  # they end within quotes
        self._skipping = False  # too long: it is not held any more

    @property
    def position(self) -> Position:
        """The place up to which the file has been read."""
        return Position(self._offset, self._lines)

    def feed(self, chunk: bytes) -> Iterator[Line | None]:
        """Cut out the lines that are complete with this chunk; None stands for a line that goes on within quotes."""
        if not self.started:
            chunk = self._start + chunk
            if len(chunk) < len(_BYTE_ORDER_MARK):
                self._start = chunk
                return
            chunk = self._begin(chunk)
        yield from self._cut(chunk)

    def finish(self) -> Iterator[Line | None]:
        """Give the last line, if it has no end of its own."""
        if not self.started:
            yield from self._cut(self._begin(self._start))
        if self._held or self._skipping:
            self._lines += not self._held or len(self._held) > self._checked
            yield self._take(bytes(self._held), unclosed=self._open)

    def _cut(self, chunk: bytes) -> Iterator[Line | None]:
        start = 0
        while (end := chunk.find(b"\n", start) + 1) > 0:
            line = self._end_line(chunk[start:end])
            start = end
            yield line
        self._hold(chunk[start:])

    def _begin(self, chunk: bytes) -> bytes:
        self.started = True
        if chunk.startswith(_BYTE_ORDER_MARK):
            self.byte_order_mark = _BYTE_ORDER_MARK
            self._offset = len(_BYTE_ORDER_MARK)
        return chunk[self._offset :]

    def _end_line(self, end: bytes) -> Line | None:
        """Take the rest of a line, and give the line or row that it completes."""
        self._offset += len(end)
        self._lines += 1
        if self._skipping or len(self._held) + len(end) > self._max_bytes:
            self._skip(end)
            return None if self._open else self._take(b"")
        if self._held:
            self._held += end
        if self.stays_open:
            line = bytes(self._held[self._checked :]) or end
            if (self._open or b'"' in line) and self.stays_open(line, self._open):
                self._open = True
                self._held = self._held or bytearray(end)
                self._checked = len(self._held)
                return None
        return self._take(bytes(self._held) or end)

    def _hold(self, beginning: bytes) -> None:
        """Keep the beginning of a line."""
        self._offset += len(beginning)
        if self._skipping or len(self._held) + len(beginning) > self._max_bytes:
            self._skip(beginning)
        else:
            self._held += beginning

    def _skip(self, part: bytes) -> None:
        """Skip a part of a line that is too long, but follow its quotes.

        Every second quote closes. A row that breaks the rules of quoting may end too late by that, but a row that is
        too long is an error already, and nothing needs to be held.
        """
        if self.stays_open:
            self._open ^= bool((self._held.count(b'"', self._checked) + part.count(b'"')) % 2)
        self._skipping = True
        self._held.clear()
        self._checked = 0

    def _take(self, data: bytes, unclosed: bool = False) -> Line:
        line = Line(self._number, data, self._skipping, unclosed and not self._skipping, self.position)
        self._number = self._lines + 1
        self._held.clear()
        self._checked, self._open, self._skipping = 0, False, False
        return line


def row_stays_open(delimiter: str) -> Callable[[bytes, bool], bool]:
    """Return a test for `Splitter` of whether a line of CSV ends within quotes, by the rules of Python's csv module.

    They are RFC 4180 (quotes around a field, a quote within as two) and common practice for text that breaks it: a
    quote that does not begin a field is an ordinary character, and so is all that follows a closing quote.
    """
    mark = re.escape(delimiter.encode())
    quoted = rb'"[^"]*+(?:""[^"]*+)*+'
    field = rb'(?:%b"[^%b]*+|[^"%b][^%b]*+|)' % (quoted, mark, mark, mark)
    ends_within_quotes = re.compile(rb"(?:%b%b)*+%b\Z" % (field, mark, quoted))

    def stays_open(line: bytes, is_open: bool) -> bool:
        # Within quotes a line goes on as if it had just opened them.
        return ends_within_quotes.match(b'"' + line if is_open else line) is not None

    return stays_open
