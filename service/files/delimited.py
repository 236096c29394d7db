"""`text/csv`: a header and rows; the same rows come back with the prediction in columns at their end."""

import csv
import string
from collections.abc import Iterator
from typing import Any

from service.errors import InvalidRequestError, LineTooLongError, RequestError
from service.files.record import MODEL, Options, Position, Record, decode
from service.files.splitting import Line, Splitter, row_stays_open
from service.inference.predictor import Prediction, check_text

ADDED = ("label", "probability")
"""Columns that are added; after them the model, if the answers name it, and the error.

The error is empty where there is a prediction, and the other way round.
"""

_DELIMITERS = (string.punctuation + " \t").replace('"', "")


class DelimitedFormat:
    """CSV by RFC 4180, in UTF-8 with or without a byte order mark, its rows ended by LF or CR LF.

    Empty lines are no rows, as for Python's csv module, and are left out.

    Args:
        options: all of them are used.
        start: where reading is taken up again, after `header` was read.
        header: the file's header, where reading does not start at it.

    Raises:
        InvalidRequestError: the delimiter is none.
    """

    answer_media_type = "text/csv; charset=utf-8"

    def __init__(self, options: Options, start: Position | None = None, header: bytes = b"") -> None:
        mark = options.delimiter
        if len(mark) != 1 or mark not in _DELIMITERS:
            raise InvalidRequestError(
                f"delimiter is {mark!r}; it should be one ASCII character that is no letter, digit or double quote, "
                "or the word tab."
            )
        csv.field_size_limit(max(csv.field_size_limit(), options.max_line_bytes))  # the one limit is ours
        self._options = options
        self._splitter = Splitter(options.max_line_bytes, row_stays_open(mark), start)
        self._special = (mark, '"', "\r", "\n")
        self.header = b""  # as it was read
        self._head = b""
        self._columns = 0
        self._text_column = 0
        self._end = b"\n"
        if header:
            self._read_header(header)

    @property
    def ready(self) -> bool:
        """Whether the header was read, and has what it needs."""
        return bool(self._head)

    @property
    def position(self) -> Position:
        """How far the file has been read."""
        return self._splitter.position

    def feed(self, chunk: bytes) -> Iterator[Record | None]:
        """The rows that are complete with this chunk.

        Raises:
            RequestError: the header cannot be used.
        """
        return self._records(self._splitter.feed(chunk))

    def finish(self) -> Iterator[Record | None]:
        """The last row, if it has no end.

        Raises:
            InvalidRequestError: there was no header.
        """
        yield from self._records(self._splitter.finish())
        if not self.ready:
            raise InvalidRequestError("The file has no header.")

    def head(self) -> bytes:
        """The header with the added columns."""
        return self._head

    def scored(self, record: Record, prediction: Prediction) -> bytes:
        """The row with label and probability."""
        model = [str(prediction.model)] * self._options.names_model
        return self._extended(record.raw, prediction.label, repr(prediction.probability), *model, "")

    def failed(self, record: Record, problem: dict[str, Any]) -> bytes:
        """The row with the error; for what is no row of the file's columns, empty fields and the error."""
        row = record.raw or (self._options.delimiter * (self._columns - 1)).encode() + self._end
        model = [""] * self._options.names_model
        return self._extended(row, "", "", *model, f"line {record.line}: {problem['detail']}")

    def tail(self, summary: dict[str, Any]) -> bytes:  # noqa: ARG002 (CSV has no place for it)
        """Nothing."""
        return b""

    def _records(self, lines: Iterator[Line | None]) -> Iterator[Record | None]:
        for line in lines:
            if not line or not (line.too_long or line.data.strip(b"\r\n")):
                yield None
            elif self.ready:
                yield self._record(line)
            else:
                self._check(line)
                self._read_header(line.data)
                yield None

    def _read_header(self, data: bytes) -> None:
        names = self._fields(data)
        column = self._options.column
        if names.count(column) != 1:
            there = ", ".join(map(repr, names[:20]))[:500]
            raise InvalidRequestError(
                f"The header has {'more than one' if column in names else 'no'} column {column!r}; it has {there}. "
                "Name the one with the texts as column; if this is not how the header reads, name its delimiter."
            )
        added = [self._options.prefix + name for name in (*ADDED, *[MODEL] * self._options.names_model, "error")]
        taken = [name for name in added if name in names]
        if taken:
            raise InvalidRequestError(
                f"The header has {taken[0]!r} already; give the added names another beginning with prefix."
            )
        self._columns, self._text_column = len(names), names.index(column)
        self._end = data[len(data.rstrip(b"\r\n")) :] or self._end
        self.header = data
        self._head = self._splitter.byte_order_mark + self._extended(data, *added)

    def _record(self, line: Line) -> Record:
        raw = b""
        try:
            self._check(line)
            fields = self._fields(line.data)
            if len(fields) != self._columns:
                raise InvalidRequestError(f"The row has {len(fields)} fields, the header {self._columns}.")
            raw = line.data  # it is a row, whatever its text may be
            text = fields[self._text_column]
            check_text(text, self._options.max_text_chars)
        except RequestError as error:
            return Record(line.number, "", error, raw, line.after)
        return Record(line.number, text, None, raw, line.after)

    def _check(self, line: Line) -> None:
        if line.too_long:
            raise LineTooLongError(
                f"The row has more than {self._options.max_line_bytes:,} bytes; perhaps a quote was not closed."
            )
        if line.unclosed:
            raise InvalidRequestError("A quote was opened here that is not closed by the end of the file.")

    def _fields(self, row: bytes) -> list[str]:
        try:
            return next(csv.reader((decode(row),), delimiter=self._options.delimiter))
        except csv.Error as error:
            raise InvalidRequestError(f"The row is not CSV: {error}.") from error

    def _extended(self, row: bytes, *fields: str) -> bytes:
        content = row.rstrip(b"\r\n")
        mark = self._options.delimiter
        added = "".join(mark + self._quoted(field) for field in fields)
        return content + added.encode() + (row[len(content) :] or self._end)

    def _quoted(self, field: str) -> str:
        if any(special in field for special in self._special):
            return '"' + field.replace('"', '""') + '"'
        return field
