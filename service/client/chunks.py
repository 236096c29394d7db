"""A file in chunks of whole records, each a request to `POST /predict/batch`, and their answers put together again.

One request could take the whole file, but httpx, as HTTP clients for Python do, sends all of a body before it reads of
the answer, and the service does not read on while its answers are not taken: both would wait forever. Chunks have
their advantages, too: what fails is tried again alone, and several are in work at a time.
"""

import codecs
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from service.client.calls import Call, CutOffError, FileSummary, ModelQuery, whole_lines
from service.client.rows import csv_rows

CHUNK_RECORDS = 500
CHUNK_BYTES = 2_000_000
_MAX_SEPARATOR_BYTES = 20

NDJSON = "application/x-ndjson"
CSV = "text/csv"
TSV = "text/tab-separated-values"
PLAIN = "text/plain"

_SEPARATOR = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=([!-~\t ])"?\r?\n', re.IGNORECASE)
"""First line by which Excel names the delimiter."""
_WIDE = ("utf-16", "utf-32")
_TOO_WIDE = (
    "The file is in UTF-16 or UTF-32, which cannot be sent in pieces: save it as UTF-8, or use: "
    "python -m service score FILE --output OUTPUT"
)


@dataclass(frozen=True)
class FileOptions:
    """Hold how a file is to be read and answered, as the query of the route has it.

    Attributes:
        column: of CSV, the name of the one with the texts, or without a header its number.
        delimiter: of CSV; None takes that of its media type.
        prefix: put before the names of what is added.
        quote: of CSV: `double` or `none`; None takes what its media type has.
        header: of CSV: `first` or `none`.
        encoding: of the file; None takes UTF-8.
        query: the model.

    Raises:
        ValueError: the quotes, the header or the encoding have a value that they cannot have.
    """

    column: str = "text"
    delimiter: str | None = None
    prefix: str = ""
    quote: str | None = None
    header: str = "first"
    encoding: str | None = None
    query: ModelQuery = field(default_factory=ModelQuery)

    def __post_init__(self) -> None:
        """Refuse what the service would refuse, and an encoding in which lines have no end of one byte."""
        _check_choice("quote", self.quote, (None, "double", "none"))
        _check_choice("header", self.header, ("first", "none"))
        if self.encoding is not None:
            try:
                name = codecs.lookup(self.encoding).name
            except LookupError as error:
                raise ValueError(f"encoding is {self.encoding!r}, which is no encoding.") from error
            if name.startswith(_WIDE):
                raise ValueError(_TOO_WIDE)

    def params(self) -> dict[str, str]:
        """Build the query parameters."""
        chosen = {"delimiter": self.delimiter, "quote": self.quote, "encoding": self.encoding}
        if self.header != "first":
            chosen["header"] = self.header
        given = {name: value for name, value in chosen.items() if value}
        return {"column": self.column, "prefix": self.prefix, **self.query.params(), **given}


@dataclass(frozen=True)
class Place:
    """A place between two records: bytes of the expanded file and lines before it."""

    offset: int = 0
    lines: int = 0


@dataclass(frozen=True)
class ScoredChunk:
    """The answer to a chunk.

    Attributes:
        content: of the scored file.
        summary: of its records.
        after: the place after them in the source.
    """

    content: bytes
    summary: FileSummary
    after: Place


def chunk_calls(
    source: BinaryIO, media_type: str, options: FileOptions, start: Place = Place()
) -> Iterator[Call[ScoredChunk]]:
    """Build the requests that a file needs, in order; for a whole file at least one, which tells what it lacks.

    Args:
        source: the file, expanded, at its beginning.
        media_type: of the file.
        options: how it is to be read.
        start: the place after the chunks that are scored already.

    Raises:
        ValueError: the delimiter is none, or the file is in UTF-16.
    """
    delimiter = _delimiter(media_type, options)
    quoted = options.quote != "none" if options.quote else media_type != TSV  # in it quotes are ordinary characters
    first_line = source.readline(_MAX_SEPARATOR_BYTES)
    if first_line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError(_TOO_WIDE)
    header, place = b"", Place()
    if delimiter and (found := _SEPARATOR.fullmatch(first_line)):
        delimiter = delimiter if options.delimiter else found[1].decode()
        header, place = first_line, Place(len(first_line), 1)
    source.seek(place.offset)
    if delimiter and options.header == "first":
        before = header
        for row, _ in csv_rows(source, delimiter, quoted):
            header, place = before + row, Place(place.offset + len(row), place.lines + _lines(row))
            if row.strip(b"\r\n\xef\xbb\xbf"):
                break
    is_new = start == Place()
    if not is_new:
        place = start
    source.seek(place.offset)
    records = (row for row, _ in csv_rows(source, delimiter, quoted)) if delimiter else iter(source)
    for chunk, first, after in _cut(records, place, is_new):
        parse: Callable[[bytes], ScoredChunk] = partial(_scored_lines, after)
        if delimiter:
            parse = partial(_scored_rows, after, delimiter, quoted, header, sum(map(_is_row, chunk)), is_new)
        line = {"line": str(first.lines + 1 - _lines(header))}
        content, params = header + b"".join(chunk), {**options.params(), **line}
        accepts, key = (NDJSON, CSV, TSV), options.query.sticky_key
        yield Call("POST", "/predict/batch", parse, content, media_type, params, accepts, sticky_key=key)
        is_new = False


def ending(media_type: str, summary: FileSummary) -> bytes:
    """Build what the scored file ends with, as the answer of the route does."""
    if media_type in (CSV, TSV):
        return b""
    counts = {"lines": summary.scored + summary.errors, "scored": summary.scored, "errors": summary.errors}
    return json.dumps({"summary": counts}, separators=(",", ":")).encode() + b"\n"


def _check_choice(name: str, value: str | None, choices: tuple[str | None, ...]) -> None:
    if value not in choices:
        named = " or ".join(repr(choice) for choice in choices if choice)
        raise ValueError(f"{name} is {value!r}; it should be {named}.")


def _delimiter(media_type: str, options: FileOptions) -> str:
    """Choose the delimiter of CSV; of other files it is empty.

    Raises:
        ValueError: it is none.
    """
    if media_type not in (CSV, TSV):
        return ""
    delimiter = options.delimiter or ("," if media_type == CSV else "\t")
    delimiter = "\t" if delimiter == "tab" else delimiter
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise ValueError(f"The delimiter is {delimiter!r}; it should be one ASCII character, or the word tab.")
    return delimiter


def _cut(records: Iterable[bytes], place: Place, is_new: bool) -> Iterator[tuple[list[bytes], Place, Place]]:
    """Yield chunks with the places before and after each; a new file has at least one, which may be empty.

    Each ends with a record that is not blank, but for the last: blank lines at the end of what is sent are no records.
    """
    first, chunk, size, empty = place, list[bytes](), 0, is_new
    for record in records:
        empty = False
        chunk.append(record)
        size += len(record)
        place = Place(place.offset + len(record), place.lines + _lines(record))
        if (len(chunk) >= CHUNK_RECORDS or size >= CHUNK_BYTES) and record.strip():
            yield chunk, first, place
            first, chunk, size = place, [], 0
    if chunk or empty:
        yield chunk, first, place


def _lines(record: bytes) -> int:
    return record.count(b"\n") or bool(record)


def _is_row(record: bytes) -> bool:
    return bool(record.strip(b"\r\n"))


def _scored_lines(after: Place, content: bytes) -> ScoredChunk:
    lines, summary = whole_lines(content)
    return ScoredChunk(b"".join(line + b"\n" for line in lines), summary, after)


def _scored_rows(
    after: Place, delimiter: str, quoted: bool, header: bytes, sent: int, with_header: bool, content: bytes
) -> ScoredChunk:
    """Read the answer to a chunk of CSV; its header is left out unless it is the first.

    Raises:
        CutOffError: it has fewer rows than were sent.
    """
    lines = io.BytesIO(content).readlines()
    head, body = lines[: _lines(header)], lines[_lines(header) :]
    rows = [fields for row, fields in csv_rows(body, delimiter, quoted) if _is_row(row)]
    if len(rows) != sent:
        raise CutOffError(f"The answer has {len(rows)} rows of {sent}.")
    errors = sum(1 for fields in rows if fields and fields[-1])
    return ScoredChunk(b"".join(head + body if with_header else body), FileSummary(sent - errors, errors), after)
