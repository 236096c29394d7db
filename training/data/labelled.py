"""Read the rows of a file of labelled texts: CSV, TSV, NDJSON or Parquet, all but Parquet also compressed by gzip."""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from service.errors import RequestError
from service.texts import check_text
from training.errors import DataError

MAX_TEXT_CHARS = 100_000
"""Largest number of characters of a text, as in the service."""
_MAX_FIELD_BYTES = 1 << 24
_GZIP = b"\x1f\x8b"
_FLAGS = "--text-column, --label-column and --by name columns; they are separated by commas, in .tsv by tabs."


@dataclass(frozen=True)
class Columns:
    """Name the columns, or the members of JSON objects, that are read."""

    text: str = "text"
    label: str = "label"
    group: str | None = None

    @property
    def names(self) -> list[str]:
        """Return the names of all of them."""
        return [self.text, self.label, *([self.group] if self.group is not None else [])]


@dataclass(frozen=True)
class Row:
    """Hold one row of a file.

    Attributes:
        number: of the line or row, from 1; of a CSV row that has several lines, of its first.
        text: None where there is none that a model can read: it is blank, too long, or not of characters.
        label: as written.
        group: value of the column to group by; empty without such a column.
    """

    number: int
    text: str | None
    label: str
    group: str


def row_kind(path: Path) -> str:
    """Return what `Row.number` counts: `line`, or `row` in a table."""
    return "row" if _suffix(path) == ".parquet" else "line"


def read_rows(path: Path, columns: Columns) -> Iterator[Row]:
    """Read the rows of a file.

    Args:
        path: its suffix says how it is read.
        columns: to read.

    Raises:
        DataError: the file, or a row of it, cannot be understood; the message names the row and what it holds.
    """
    suffix = _suffix(path)
    if suffix not in _READERS:
        raise DataError(f"{path}: its name should end in {', '.join(_READERS)}, to say how it is to be read.")
    try:
        for number, values in _READERS[suffix](path, columns):
            place = f"{path}, {row_kind(path)} {number}"
            text, label, group = [_as_text(*each, place) for each in zip(columns.names, values, strict=True)] + [""] * (
                columns.group is None
            )
            yield Row(number, text if _readable(text) else None, label, group)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: its gzip data are damaged: {error}.") from error


def _suffix(path: Path) -> str:
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()


def _as_text(name: str, value: Any, place: str) -> str:
    """Return a string or a number as text, nothing as an empty one."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return json.dumps(value)
    raise DataError(f"{place}: {name!r} is neither a string nor a number.")


def _readable(text: str) -> bool:
    try:
        check_text(text, MAX_TEXT_CHARS)
    except RequestError:
        return False
    return True


def _open(path: Path) -> TextIO:
    """Open a file as text; bytes that are not UTF-8 become surrogates, which no text may have."""
    with path.open("rb") as stream:
        opened = gzip.open if stream.read(len(_GZIP)) == _GZIP else open
    file: TextIO = opened(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return file


def _read_csv(path: Path, columns: Columns) -> Iterator[tuple[int, list[Any]]]:
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_FIELD_BYTES))
    with _open(path) as file:
        rows = csv.reader(file, delimiter="\t" if _suffix(path) == ".tsv" else ",", strict=True)
        line = 1
        try:
            header = next(rows, None)
            if header is None:
                raise DataError(f"{path}: The file has no header.")
            places = _places(header, columns, f"{path}: The header has", f". {_FLAGS}")
            line = rows.line_num + 1
            for row in rows:
                if row and len(row) != len(header):
                    raise DataError(f"{path}, line {line}: The row has {len(row)} fields, the header {len(header)}.")
                if row:
                    yield line, [row[place] for place in places]
                line = rows.line_num + 1
        except csv.Error as error:
            raise DataError(f"{path}, line {line}: The row is not CSV: {error}.") from error


def _read_ndjson(path: Path, columns: Columns) -> Iterator[tuple[int, list[Any]]]:
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{path}, line {number}: The line is not JSON: {error}.") from error
            for name in columns.names:
                if not isinstance(value, dict) or name not in value:
                    raise DataError(f"{path}, line {number}: The line is no object with a member {name!r}.")
            yield number, [value[name] for name in columns.names]


def _read_parquet(path: Path, columns: Columns) -> Iterator[tuple[int, list[Any]]]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            _places(table.schema_arrow.names, columns, f"{path}: The table has", ".")
            number = 0
            for batch in table.iter_batches(columns=columns.names):
                for values in zip(*(batch.column(name).to_pylist() for name in columns.names), strict=True):
                    number += 1
                    yield number, list(values)
    except pyarrow.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path} cannot be read as Parquet: {reason}") from error


def _places(there: Sequence[str], columns: Columns, subject: str, end: str) -> list[int]:
    for name in columns.names:
        if there.count(name) != 1:
            raise DataError(f"{subject} no column {name!r}; it has {', '.join(map(repr, there))}{end}")
    return [there.index(name) for name in columns.names]


_READERS: dict[str, Callable[[Path, Columns], Iterator[tuple[int, list[Any]]]]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".ndjson": _read_ndjson,
    ".jsonl": _read_ndjson,
    ".parquet": _read_parquet,
}
