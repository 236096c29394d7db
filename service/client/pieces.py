"""A file in pieces of whole records, each a request to `POST /predict/batch`, and their answers put together again.

One request could take the whole file, but httpx, as HTTP clients for Python do, sends all of a body before it reads of
the answer, and the service does not read on while its answers are not taken: both would wait forever. Pieces have
their advantages, too: what fails is tried again alone, and several are in work at a time.
"""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from service.client.calls import Asked, Call, CutOffError, FileSummary, whole_lines

PIECE_RECORDS = 500
PIECE_BYTES = 2_000_000
_MAX_FIELD_CHARS = 2**31 - 1
_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".txt": "text/plain",
}

Answered = tuple[bytes, FileSummary]
"""A piece of the scored file, and what became of its records."""


@dataclass(frozen=True)
class FileOptions:
    """How a file is to be read and answered, as the route's query has it."""

    column: str = "text"
    delimiter: str | None = None
    prefix: str = ""
    asked: Asked = field(default_factory=Asked)

    def params(self) -> dict[str, str]:
        """The query."""
        params = {"column": self.column, "prefix": self.prefix, **self.asked.params()}
        return {**params, "delimiter": self.delimiter} if self.delimiter else params


def open_source(path: Path) -> tuple[BinaryIO, str]:
    """A file and its media type, by its suffix; one that ends in .gz is expanded.

    Raises:
        ValueError: the suffix is another.
    """
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    media_type = _MEDIA_TYPES.get(suffix.lower())
    if media_type is None:
        raise ValueError(f"What {path} holds cannot be told from its name; it should end in {', '.join(_MEDIA_TYPES)}.")
    return _open(path, "rb"), media_type


def open_target(path: Path) -> BinaryIO:
    """A file to be written, compressed if it ends in .gz."""
    return _open(path, "wb")


def piece_calls(source: Iterable[bytes], media_type: str, options: FileOptions) -> Iterator[Call[Answered]]:
    """The requests that a file needs, in order; at least one, which tells what is wrong with an empty file.

    Args:
        source: its lines, each with its end.
        media_type: of the file.
        options: how it is to be read.
    """
    delimiter = _delimiter(media_type, options)
    header, before = b"", 0
    records = iter(source)
    if delimiter:
        records = (row for row, _ in csv_rows(records, delimiter))
        for header in records:
            before += _lines(header)
            if header.strip(b"\r\n\xef\xbb\xbf"):
                break
    for first_line, piece in _cut(records, before + 1):
        parse: Callable[[bytes], Answered] = _answered_lines
        if delimiter:
            parse = partial(_answered_rows, delimiter, header, sum(map(_is_row, piece)), first_line == before + 1)
        line = {"line": str(first_line - _lines(header))}
        content = header + b"".join(piece)
        yield Call("POST", "/predict/batch", parse, content, media_type, {**options.params(), **line})


def ending(media_type: str, summary: FileSummary) -> bytes:
    """What the scored file ends with, as the route's answer does."""
    if media_type.startswith("text/") and media_type != "text/plain":
        return b""
    counts = {"lines": summary.scored + summary.errors, "scored": summary.scored, "errors": summary.errors}
    return json.dumps({"summary": counts}, separators=(",", ":")).encode() + b"\n"


def csv_rows(lines: Iterable[bytes], delimiter: str) -> Iterator[tuple[bytes, list[str]]]:
    """Rows of CSV as they are written, with the lines that quotes hold together, and their fields as Latin-1.

    Python's csv module finds them, whose rules are the service's, for broken quotes as well.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_FIELD_CHARS))
    held: list[bytes] = []

    def decoded() -> Iterator[str]:
        for line in lines:
            held.append(line)
            yield line.decode("latin-1")

    rest = decoded()
    reader = csv.reader(rest, delimiter=delimiter)
    while True:
        fields: list[str] = []
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:  # the service will say so of this row
            reader = csv.reader(rest, delimiter=delimiter)
        yield b"".join(held), fields
        held.clear()


def _delimiter(media_type: str, options: FileOptions) -> str:
    """Of CSV, else nothing.

    Raises:
        ValueError: it is none.
    """
    if media_type not in ("text/csv", "text/tab-separated-values"):
        return ""
    delimiter = options.delimiter or ("," if media_type == "text/csv" else "\t")
    delimiter = "\t" if delimiter == "tab" else delimiter
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise ValueError(f"The delimiter is {delimiter!r}; it should be one ASCII character, or the word tab.")
    return delimiter


def _cut(records: Iterable[bytes], line: int) -> Iterator[tuple[int, list[bytes]]]:
    """Pieces and the number of each one's first line. Each ends with a record that is not blank, but for the last:
    blank lines at the end of what is sent are no records.
    """
    first, piece, size, empty = line, list[bytes](), 0, True
    for record in records:
        empty = False
        piece.append(record)
        line += _lines(record)
        size += len(record)
        if (len(piece) >= PIECE_RECORDS or size >= PIECE_BYTES) and record.strip():
            yield first, piece
            first, piece, size = line, [], 0
    if piece or empty:
        yield first, piece


def _lines(record: bytes) -> int:
    return record.count(b"\n") or bool(record)


def _is_row(record: bytes) -> bool:
    return bool(record.strip(b"\r\n"))


def _answered_lines(content: bytes) -> Answered:
    lines, summary = whole_lines(content)
    return b"".join(line + b"\n" for line in lines), summary


def _answered_rows(delimiter: str, header: bytes, sent: int, with_header: bool, content: bytes) -> Answered:
    """The answer to a piece of CSV, its header left out unless it is the first.

    Raises:
        CutOffError: it has fewer rows than were sent.
    """
    lines = io.BytesIO(content).readlines()
    head, body = lines[: _lines(header)], lines[_lines(header) :]
    rows = [fields for row, fields in csv_rows(body, delimiter) if _is_row(row)]
    if len(rows) != sent:
        raise CutOffError(f"The answer has {len(rows)} rows of {sent}.")
    errors = sum(1 for fields in rows if fields and fields[-1])
    return b"".join(head + body if with_header else body), FileSummary(sent - errors, errors)


def _open(path: Path, mode: str) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, mode) if path.suffix == ".gz" else path.open(mode))
