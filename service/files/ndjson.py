"""`application/x-ndjson`: an object with a text, or a string, on each line; answered in NDJSON.

An array of such values (`application/json`, and as programs write it into files with other names) is read as well.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NoReturn

from service.errors import (
    BrokenJsonError,
    InvalidRequestError,
    InvalidTextError,
    LineTooLongError,
    MediaTypeError,
)
from service.files.json_array import ArraySplitter
from service.files.plain import PlainFormat
from service.files.record import Options, Position, Record, decode
from service.files.splitting import Line
from service.inference.predictor import Prediction
from service.json_size import has_more_values

MAX_VALUES = 50_000
"""JSON values of a line at most; more could hold up all other requests while the line is parsed."""

_BEGINNING_BYTES = 4_096
_BLANK = b" \t\r\n\xef\xbb\xbf"
_TABLES = {  # what pandas.DataFrame.to_json writes, by its beginning
    "split": re.compile(rb'\{"columns":\s*\['),
    "table": re.compile(rb'\{"schema":\s*\{'),
    "index": re.compile(rb'\{"\d+":\s*\{'),
    "columns": re.compile(rb'\{"[^"]*":\s*\{'),
    "values": re.compile(rb"\[\s*\["),
}


def _no_number(name: str) -> NoReturn:
    raise BrokenJsonError(f"The line is not JSON: it has no {name}.")


def _skip(_: str) -> None:
    """Skip a number: it comes back as it was sent, and a huge one would cost the square of its digits to read."""


_read_json = json.JSONDecoder(parse_int=_skip, parse_float=_skip, parse_constant=_no_number).decode


class NdjsonFormat(PlainFormat):
    """JSON on lines, or an array. An object comes back byte for byte, with the prediction as its last members.

    Args:
        options: `column`, `prefix` and the limits are used.
        start: where in the file reading begins.
        header: the opening bracket of an array, if it was read before.
    """

    def __init__(self, options: Options, start: Position | None = None, header: bytes = b"") -> None:
        super().__init__(options, start, header)
        self._column = unicodedata.normalize("NFC", options.column)
        self._start = start or Position()
        self._beginning = b""
        self._is_array = bool(header)
        self._known = bool(header or self._start.offset)  # whether it is an array
        self._first = not self._start.offset
        if header:
            self._splitter = ArraySplitter(options.max_line_bytes, start)

    @property
    def ready(self) -> bool:
        """True once the first character was read."""
        return self._known

    @property
    def notes(self) -> list[str]:
        """None: where line ends are lost, the one line is no JSON."""
        return []

    def feed(self, chunk: bytes) -> Iterator[Record | None]:
        """Read the records that are complete with this chunk.

        Raises:
            RequestError: the file is JSON of another kind.
        """
        if not self._known:
            chunk = self._beginning + chunk
            if not chunk.strip(_BLANK) and len(chunk) < _BEGINNING_BYTES:
                self._beginning = chunk
                return
            self._begin(chunk)
        elif self._first:
            self._beginning = (self._beginning + chunk)[:_BEGINNING_BYTES]
        yield from super().feed(chunk)

    def finish(self) -> Iterator[Record | None]:
        """Read the last line, if it has no end.

        Raises:
            RequestError: the file is JSON of another kind, or an array that is not closed.
        """
        if not self._known:
            self._begin(self._beginning)
            yield from super().feed(self._beginning)
        yield from super().finish()

    def scored(self, record: Record, prediction: Prediction) -> bytes:
        """Return the object with the prediction's members at its end; for a string, one with the line's number."""
        raw = record.raw.rstrip()
        if not raw.endswith(b"}"):
            return super().scored(record, prediction)
        if self._is_array:
            raw = raw.replace(b"\r", b"").replace(b"\n", b"")  # of indented JSON: a string has no raw line ends
        return b"%b,%b}\n" % (raw[:-1], self.members(prediction).encode())

    def read(self, data: bytes) -> str:
        """Read the text of a line.

        Raises:
            BrokenJsonError, InvalidRequestError: it has none.
        """
        value = self._parse(data)
        if isinstance(value, dict):
            name = self._member(value)
            self.options.check_added(self._names, value, "The object", "/")
            value = value[name]
            if not isinstance(value, str):
                raise InvalidRequestError(f"The {name} is not a string.", f"/{name}")
        if not isinstance(value, str):
            raise InvalidRequestError("The line is neither a string nor an object with a text.", "/text")
        return value

    def _begin(self, beginning: bytes) -> None:
        """Tell from the first character whether this is an array."""
        self._beginning, self._known = beginning[:_BEGINNING_BYTES], True
        self._is_array = beginning.lstrip(_BLANK).startswith(b"[")
        if self._is_array:
            self.header = b"["
            self._splitter = ArraySplitter(self.options.max_line_bytes, self._start)

    def _record(self, line: Line) -> Record:
        record = super()._record(line)
        if self._first and record.error:
            self._check_kind(line)
        self._first = False
        return record

    def _check_kind(self, line: Line) -> None:
        """Refuse a file whose first record shows that it is JSON of another kind."""
        for orient, beginning in _TABLES.items():
            if beginning.match(self._beginning.lstrip(_BLANK)):
                raise InvalidRequestError(
                    f"The file is a table in one JSON value, as pandas writes it with orient={orient!r}. "
                    "Write a record a line: to_json(FILE, orient='records', lines=True)."
                )
        if line.data.strip() == b"{":
            raise InvalidRequestError(
                "The JSON objects have several lines each. Write each on one line, as jq -c . FILE does."
            )

    def _member(self, value: dict[str, Any]) -> str:
        """Return the name of the member with the text, which may be spelled in another normal form."""
        if self.options.column in value:
            return self.options.column
        for name in value:
            if not name.isascii() and _nfc(name) == self._column:
                return name
        there = ", ".join(map(repr, list(value)[:20]))[:500]
        advice = f"; it has {there}. Name the member: {self.options.option('column', 'NAME')}" if there else "."
        raise InvalidRequestError(f"The object has no {self.options.column}{advice}", f"/{self.options.column}")

    def _parse(self, data: bytes) -> Any:
        if len(data) > MAX_VALUES and has_more_values(data, MAX_VALUES):
            raise LineTooLongError(f"The line has more than {MAX_VALUES:,} JSON values.")
        try:
            return _read_json(decode(data, self.encoding))
        except InvalidTextError as error:
            raise BrokenJsonError(f"The line is not JSON: {error}") from error
        except RecursionError as error:
            raise BrokenJsonError("The line is not JSON that can be read: it is nested too deeply.") from error
        except json.JSONDecodeError as error:
            message = f"The line is not JSON: {error.msg} at character {error.pos + 1}."
            if error.msg == "Extra data":
                advice = "" if self.options.flags else " (curl -d @FILE removes line ends; -T FILE keeps them)"
                message += f" Each value needs a line of its own{advice}."
            raise BrokenJsonError(message) from error


class JsonFormat(NdjsonFormat):
    """An array of objects or strings, and nothing else."""

    def _begin(self, beginning: bytes) -> None:
        super()._begin(beginning)
        if self._is_array or not beginning.strip(_BLANK):
            return
        first_line = beginning.lstrip(_BLANK).partition(b"\n")[0]
        self._check_kind(Line(1, first_line, False, False, Position()))
        advice = "" if self.options.flags else "; a single text goes to POST /predict as application/json"
        raise MediaTypeError(
            "JSON is read here as an array of objects with a text, or of strings. Lines of JSON are NDJSON: "
            f"{'--format ndjson' if self.options.flags else 'Content-Type: application/x-ndjson'}{advice}."
        )


def _nfc(name: str) -> str:
    """Normalize a name; a very long one stays as it is, for the time that takes can grow with its square."""
    return unicodedata.normalize("NFC", name) if len(name) <= 200 else name
