"""The records of a file, of any format, as batches of Arrow with their texts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, BinaryIO

import pyarrow

from service.cluster.json_members import JsonMembers
from service.errors import RequestError
from service.files.delimited import DelimitedFormat
from service.files.encoding import encoding_named
from service.files.formats import DELIMITERS, SUFFIXES, FileType, suffix_of
from service.files.parquet import ParquetFile
from service.files.record import Options, Position, Record
from service.files.sources import RecordSource
from service.inference.batching import SCORE_WINDOW_TEXTS

_LINES = pyarrow.schema([("line", pyarrow.int64()), ("text", pyarrow.string())])

_UNUSED_PREFIX = "\0"
"""Prefix of answers that are written in the file's own format. They are not used here, and must not clash either."""


@dataclass(frozen=True)
class Reading:
    """The choices for reading the files of a corpus.

    Attributes:
        options: those of one file; `delimiter` and `quote` are replaced.
        format_name: of all files; None where their suffixes tell it.
        delimiter: of all files of CSV; None where their suffixes tell it.
        quote: whether double quotes can enclose their fields; None where their suffixes tell it.
        encoding: as the user named it; None to detect it.
    """

    options: Options
    format_name: str | None = None
    delimiter: str | None = None
    quote: bool | None = None
    encoding: str | None = None

    def of(self, name: str) -> tuple[FileType, Options]:
        """Return the type of a file, and the options for it."""
        kind = SUFFIXES.get(suffix_of(name.rpartition("/")[2]))
        if kind is None or (self.format_name and self.format_name != kind.format):
            kind = FileType(self.format_name or "text")
        delimiter = self.delimiter or kind.delimiter
        quote = kind.quote if self.quote is None else self.quote
        delimiter = DELIMITERS.get(delimiter, delimiter)
        return kind, replace(self.options, delimiter=delimiter, quote=quote, prefix=_UNUSED_PREFIX)


@dataclass(frozen=True)
class Rows:
    """Some rows of a file.

    Attributes:
        batch: n rows.
        texts: the text of each, or what is wrong with it.
        place: says where a row stands in the file, by its position in the batch.
    """

    batch: Any
    texts: Sequence[str | RequestError]
    place: Callable[[int], str]


def read_rows(open_file: Callable[[], BinaryIO], name: str, reading: Reading) -> Iterator[Rows]:
    """Read a file; there is a first batch even if it has no rows.

    CSV comes as columns of strings, as they are written; JSON as the columns of `JsonMembers`; lines as `line` and
    `text`.

    Args:
        open_file: opens it.
        name: of the file.
        reading: how it is read.

    Raises:
        ServiceError: it cannot be read.
    """
    kind, options = reading.of(name)
    encoding = encoding_named(reading.encoding) if reading.encoding else None
    if kind.format == "parquet":
        with open_file() as file:
            yield from _table_rows(ParquetFile(file, options, name))
        return

    def batches(file: BinaryIO) -> tuple[RecordSource, Iterator[list[Record]]]:
        source = RecordSource(kind.format, file, 0, options, encoding, Position(), {})
        return source, source.batches()

    members = None
    if kind.format in ("json", "ndjson"):
        with open_file() as file:
            members = JsonMembers(batches(file)[1], options.column, options.max_columns)
    with open_file() as file:
        source, windows = batches(file)
        for records in windows:
            if members:
                batch = pyarrow.record_batch(members.columns(records), schema=members.schema)
            elif isinstance(source.format, DelimitedFormat):
                batch = _csv_batch(source.format, records)
            else:
                batch = _line_batch(records)
            yield Rows(batch, [_text(record) for record in records], partial(_line, records))


def _table_rows(table: ParquetFile) -> Iterator[Rows]:
    rows = 0
    for first, batch, texts in table.batches(SCORE_WINDOW_TEXTS):
        rows += batch.num_rows
        yield Rows(batch, texts, lambda row, first=first: f"row {first + row + 1}: ")  # type: ignore[misc]
    if not rows:
        yield Rows(pyarrow.RecordBatch.from_pylist([], schema=table.schema), [], str)


def _csv_batch(csv: DelimitedFormat, records: Sequence[Record]) -> Any:
    rows = [csv.values(record) for record in records]
    schema = pyarrow.schema([(name, pyarrow.string()) for name in _unique(csv.names)])
    columns = zip(*rows, strict=True) if rows else [[]] * len(schema)
    return pyarrow.record_batch([pyarrow.array(column, pyarrow.string()) for column in columns], schema=schema)


def _line_batch(records: Sequence[Record]) -> Any:
    lines = pyarrow.array([record.line for record in records], pyarrow.int64())
    texts = [record.raw.rstrip(b"\r\n").decode("utf-8", "replace") for record in records]
    return pyarrow.record_batch([lines, pyarrow.array(texts, pyarrow.string())], schema=_LINES)


def _text(record: Record) -> str | RequestError:
    if record.error is None:
        return record.text
    return record.error if isinstance(record.error, RequestError) else RequestError(str(record.error))


def _line(records: Sequence[Record], row: int) -> str:
    return f"line {records[row].line}: "


def _unique(names: Sequence[str]) -> list[str]:
    """Give a column without a name its number, and number those that have the name of another."""
    unique: list[str] = []
    for number, name in enumerate(names, 1):
        distinct = name or str(number)
        while distinct in unique:
            distinct += f".{number}"
        unique.append(distinct)
    return unique
