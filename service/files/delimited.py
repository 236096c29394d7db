"""`text/csv`: a header and rows; the same rows come back with the prediction in columns at their end."""

import csv
import re
import string
import unicodedata
from collections.abc import Iterator
from typing import Any

from service.errors import InvalidRequestError, InvalidTextError, LineTooLongError, RequestError
from service.files.encoding import encode
from service.files.record import MODEL, NAMES, UTF_8, Options, Position, Record, counted, decode
from service.files.splitting import Line, Splitter, row_stays_open
from service.inference.predictor import Prediction
from service.texts import check_text

_DELIMITERS = (string.punctuation + " \t").replace('"', "")
_PROBABLE = (";", "\t", "|", ",")
_WRITTEN = {"\t": "tab"}
_IN_NUMBERS = ".-"
_SEPARATOR = re.compile(rb'"?sep=([!-~\t ])"?\r?\n?', re.IGNORECASE)
_MAX_NORMALIZED_CHARS = 200


class DelimitedFormat:
    """CSV by RFC 4180, its rows ended by LF or CR LF, or without quotes, as tab-separated values are.

    The added columns are those of `Options.fields`, the model if answers name it, and the error, which is empty where
    there is a prediction and the other way round. Empty lines are no rows, as for Python's csv module, and are left
    out. A first line `sep=;`, as Excel writes and reads it, names the delimiter and comes back.

    Args:
        options: all of them are used.
        start: where reading is resumed, after `header` was read.
        header: the lines before the first row, where reading does not start at them.

    Raises:
        InvalidRequestError: an option has a value that it cannot have.
    """

    def __init__(self, options: Options, start: Position | None = None, header: bytes = b"") -> None:
        _check(options)
        csv.field_size_limit(max(csv.field_size_limit(), options.max_line_bytes))  # so that only our limit counts
        self.options = options
        self.encoding = UTF_8
        self._splitter = Splitter(options.max_line_bytes, start=start)
        self._set_delimiter(options.delimiter)
        self.header = b""  # as it was read
        self._head = b""
        self._columns = 0
        self._names: list[str] = []
        self._text_column = 0
        self._end = b"\n"
        found = _SEPARATOR.match(header)
        cut = found.end() if found and found[0].endswith(b"\n") else 0
        for line in filter(None, (header[:cut], header[cut:])):
            self._begin(Line(1, line, False, False, Position()))

    @property
    def answer_media_type(self) -> str:
        """CSV in the encoding of the file."""
        return f"text/csv; charset={self.encoding}"

    @property
    def ready(self) -> bool:
        """True once the header was read and is valid."""
        return bool(self._columns)

    @property
    def position(self) -> Position:
        """The place up to which the file has been read."""
        return self._splitter.position

    @property
    def notes(self) -> list[str]:
        """None."""
        return []

    def feed(self, chunk: bytes) -> Iterator[Record | None]:
        """Read the rows that are complete with this chunk.

        Raises:
            RequestError: the header cannot be used.
        """
        return self._records(self._splitter.feed(chunk))

    def finish(self) -> Iterator[Record | None]:
        """Read the last row, if it has no end.

        Raises:
            InvalidRequestError: there was no header.
        """
        yield from self._records(self._splitter.finish())
        if not self.ready:
            raise InvalidRequestError("The file has no header." if self.options.header else "The file has no rows.")

    def head(self) -> bytes:
        """Return the header with the added columns."""
        return encode(self._head, self.encoding) if self.encoding != UTF_8 else self._head

    @property
    def names(self) -> list[str]:
        """Names of the columns, known once the format is ready; without a header their numbers, from 1."""
        return self._names

    def values(self, record: Record) -> list[str | None]:
        """Return the fields of a record; None for each where its row does not have those of the file."""
        if not record.raw:
            return [None] * self._columns
        return [*self._split(record.raw.decode("utf-8", "replace"))]

    def scored(self, record: Record, prediction: Prediction) -> bytes:
        """Return the row with the prediction."""
        values = [_written(getattr(prediction, name)) for name in self.options.fields]
        model = [str(prediction.model)] * self.options.names_model
        return self._extended(record.raw, *values, *model, "")

    def failed(self, record: Record, problem: dict[str, Any]) -> bytes:
        """Return the row with the error; without a row of the file's columns, empty fields and the error."""
        row = record.raw or (self._delimiter * (self._columns - 1)).encode() + self._end
        empty = [""] * (len(self.options.fields) + self.options.names_model)
        return self._extended(row, *empty, f"line {record.line}: {problem['detail']}")

    def tail(self, summary: dict[str, Any]) -> bytes:  # noqa: ARG002 (CSV has no place for it)
        """Return nothing."""
        return b""

    def encoded(self, answers: bytes) -> bytes:
        """Convert answers to the encoding of the file."""
        return encode(answers, self.encoding) if self.encoding != UTF_8 else answers

    def _set_delimiter(self, mark: str) -> None:
        self._delimiter = mark
        self._special = (mark, '"', "\r", "\n")
        self._splitter.stays_open = row_stays_open(mark) if self.options.quote else None

    def _records(self, lines: Iterator[Line | None]) -> Iterator[Record | None]:
        for line in lines:
            if not line or not (line.too_long or line.data.strip(b"\r\n")):
                yield None
            elif self.ready or self._begin(line):
                yield self._record(line)
            else:
                yield None

    def _begin(self, line: Line) -> bool:
        """Read a line before the first row; tell whether it is the first row itself.

        Raises:
            RequestError: it cannot be used.
        """
        self._check(line)
        if not self.header and (found := _SEPARATOR.fullmatch(line.data)):
            self.header = line.data
            self._head = self._splitter.byte_order_mark + line.data
            self._set_delimiter(found[1].decode())
            return False
        fields = self._fields(line.data)
        if len(fields) > self.options.max_columns:
            raise InvalidRequestError(
                f"The file has {len(fields):,} columns; at most {self.options.max_columns:,} are read."
            )
        mark = b"" if self.header else self._splitter.byte_order_mark
        self._columns = len(fields)
        self._names = fields if self.options.header else [str(number) for number in range(1, len(fields) + 1)]
        self._end = line.data[len(line.data.rstrip(b"\r\n")) :] or self._end
        self.header += line.data
        if not self.options.header:
            self._text_column = self._numbered_column()
            self._head += mark
            return True
        try:
            self._text_column = self._named_column(fields, line.data.endswith(b"\n"))
            added = self._added(fields)
        except InvalidRequestError:
            self._columns = 0
            raise
        self._head += mark + self._extended(line.data, *added)
        return False

    def _numbered_column(self) -> int:
        """Return the position of the column that the options number.

        Raises:
            InvalidRequestError: it is none.
        """
        column = self.options.column
        if self._columns == 1 and column == Options().column:
            return 0
        if not (column.isascii() and column.isdecimal() and len(column) < 8 and 1 <= int(column) <= self._columns):
            raise InvalidRequestError(
                f"Without a header the column is a number from 1 to {self._columns}, not {column[:80]!r}: "
                f"{self.options.option('column', str(self._columns))}"
            )
        return int(column) - 1

    def _named_column(self, fields: list[str], ended: bool) -> int:
        """Return the position of the column that the options name.

        Args:
            fields: the names of all columns.
            ended: whether the header has a line end, so that it is not all of the file.

        Raises:
            InvalidRequestError: the header has none, or several.
        """
        option = self.options.option
        names, column = [_nfc(name) for name in fields], _nfc(self.options.column)
        if names.count(column) == 1:
            return names.index(column)
        there = ", ".join(map(repr, fields[:20]))[:500]
        if fields[0].startswith("#TYPE "):
            raise InvalidRequestError(
                "The first line is the type that Windows PowerShell writes, not a header. Leave it out: "
                "Export-Csv -NoTypeInformation."
            )
        line = "".join(fields)
        probable = max(_PROBABLE, key=line.count)
        probable = _WRITTEN.get(probable, probable)
        message = (
            f"The header has {'more than one' if column in names else 'no'} column {self.options.column!r}; it has "
            f"{there}. Name the column with the texts: {option('column', 'NAME')}; name another delimiter: "
            f"{option('delimiter', probable)}; if the file has no header: {option('header', 'none')}."
        )
        raise InvalidRequestError(message if ended else f"{message} {self.options.lost_line_ends}".rstrip())

    def _added(self, fields: list[str]) -> list[str]:
        """Return the names of the added columns.

        Raises:
            InvalidRequestError: the header has one of them already.
        """
        options = self.options
        added = [options.prefix + name for name in (*options.fields, *[MODEL] * options.names_model, "error")]
        options.check_added(added, fields, "The header")
        return added

    def _record(self, line: Line) -> Record:
        raw = b""
        try:
            self._check(line)
            try:
                fields = self._fields(line.data)
            except InvalidTextError:
                if self._is_row(line.data):
                    raw = line.data  # its bytes come back as they are
                raise
            if len(fields) != self._columns:
                first = "header" if self.options.header else "first row"
                message = f"The row has {counted(len(fields), 'field')}, the {first} {self._columns:,}."
                if not self.options.quote and b'"' in line.data:
                    message += f" If quotes enclose fields in this file, add {self.options.option('quote', 'double')}"
                raise InvalidRequestError(message)
            raw = line.data
            text = fields[self._text_column]
            check_text(text, self.options.max_text_chars)
        except RequestError as error:
            return Record(line.number, "", error, raw, line.after)
        return Record(line.number, text, None, raw, line.after)

    def _check(self, line: Line) -> None:
        without = f" If quotes are ordinary characters in this file, add {self.options.option('quote', 'none')}"
        if line.too_long:
            raise LineTooLongError(
                f"The row has more than {self.options.max_line_bytes:,} bytes"
                + (f"; perhaps a quote was not closed.{without}" if self.options.quote else ".")
            )
        if line.unclosed:
            raise InvalidRequestError(f"A quote was opened here that is not closed by the end of the file.{without}")

    def _fields(self, row: bytes) -> list[str]:
        return self._split(decode(row, self.encoding))

    def _is_row(self, row: bytes) -> bool:
        """Tell whether a row that cannot be decoded has the right number of fields."""
        try:
            return len(self._split(row.decode("utf-8", "surrogateescape"))) == self._columns
        except InvalidRequestError:
            return False

    def _split(self, row: str) -> list[str]:
        if not self.options.quote:
            return row.rstrip("\r\n").split(self._delimiter)
        try:
            return next(csv.reader((row,), delimiter=self._delimiter))
        except csv.Error as error:
            reason = "a CR stands in a field without quotes" if "new-line" in str(error) else error
            raise InvalidRequestError(f"The row is not CSV: {reason}.") from error

    def _extended(self, row: bytes, *fields: str) -> bytes:
        content = row.rstrip(b"\r\n")
        added = "".join(self._delimiter + self._quoted(field) for field in fields)
        return content + added.encode("utf-8", "backslashreplace") + (row[len(content) :] or self._end)

    def _quoted(self, field: str) -> str:
        if not any(special in field for special in self._special):
            return field
        if self.options.quote:
            return '"' + field.replace('"', '""') + '"'
        return field.replace("\r", " ").replace("\n", " ").replace(self._delimiter, " ")


def _check(options: Options) -> None:
    mark = options.delimiter
    if len(mark) != 1 or mark not in _DELIMITERS:
        raise InvalidRequestError(
            f"delimiter is {mark!r}; it should be one ASCII character that is no letter, digit or double quote, "
            "or the word tab."
        )
    if not options.quote and mark in _IN_NUMBERS:
        raise InvalidRequestError(f"delimiter is {mark!r}, which is part of numbers; without quotes it cannot be that.")
    for name in options.fields:
        if name not in NAMES:
            raise InvalidRequestError(f"fields has {name[:40]!r}; it should be some of {', '.join(NAMES)}.")
    if len(set(options.fields)) < len(options.fields) or not options.fields:
        raise InvalidRequestError("fields should name each field once.")


def _nfc(name: str) -> str:
    """Normalize a name; a very long one stays as it is, for the time that takes can grow with its square."""
    return unicodedata.normalize("NFC", name) if len(name) <= _MAX_NORMALIZED_CHARS else name


def _written(value: str | float | bool) -> str:
    """Write a field of a prediction as JSON does, a string without quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)
