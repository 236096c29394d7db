"""Files of labelled texts, read as `python -m service score` reads files, a label beside each text."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.errors import (
    BlankTextError,
    BrokenJsonError,
    InvalidRequestError,
    InvalidTextError,
    RequestError,
    TextTooLongError,
)
from service.files.delimited import DelimitedFormat
from service.files.plain import PlainFormat, to_json
from service.files.reading import Reader
from service.files.record import Format, Options, Record, decode
from service.files.score import SUFFIXES, open_table
from training.errors import DataError

READ_SUFFIXES = [suffix for suffix, name in SUFFIXES.items() if name != "text"]
"""Of files that have room for a label."""

MAX_GROUPS = 20
"""Different values that a column to group by may have."""

_CHUNK_BYTES = 65_536
_TABLE_ROWS = 512
_GZIP = b"\x1f\x8b"
_PREFIX = "\0"  # of the columns that an answer would add: nothing is answered here, so they shall be in nobody's way
_FLAGS = "--text-column, --label-column and --by name columns; they are separated by commas, in .tsv by tabs."
_NO_TEXT = (BlankTextError, InvalidTextError, TextTooLongError)

Field = str | RequestError
"""What stands in a column of a row, or what is wrong with it."""


@dataclass(frozen=True)
class LabelledFile:
    """A file's labelled texts.

    Attributes:
        path: of the file.
        texts: raw, of those rows that have one.
        labels: 1 = positive, int64[texts].
        groups: what each row has in the column to group by; empty strings without such a column.
        row_kind: what `rows` count, "line" or, of a table, "row".
        rows: where each text is, from 1.
        left_out: where there are rows without a text to be judged: blank, too long, or not of characters.
    """

    path: Path
    texts: list[str]
    labels: NDArray[np.int64]
    groups: list[str]
    row_kind: str
    rows: list[int]
    left_out: list[int]


@dataclass(frozen=True)
class Columns:
    """The names of the columns, or of the members of JSON objects, that are read."""

    text: str = "text"
    label: str = "label"
    group: str | None = None

    @property
    def names(self) -> list[str]:
        """Of all."""
        return [self.text, self.label, *([self.group] if self.group is not None else [])]


def read_labelled(
    path: Path, columns: Columns, names: Sequence[Sequence[str]], limit: int | None = None
) -> LabelledFile:
    """Reads CSV, NDJSON or Parquet, the first two also compressed with gzip.

    Args:
        path: its suffix says what it is.
        columns: to be read.
        names: pairs of label names, for 0 and for 1, any of which may stand in the place of these numbers.
        limit: rows to read at most.

    Raises:
        DataError: naming the first row that cannot be understood, and what it holds.
        ScoreError: what reads Parquet is not installed.
    """
    suffix = (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()
    if suffix not in READ_SUFFIXES:
        raise DataError(f"{path}: its name should end in {', '.join(READ_SUFFIXES)}, to say how it is to be read.")
    numbers = _label_numbers(names)
    kind = "row" if suffix == ".parquet" else "line"
    texts, labels, groups, kept, left_out = [], [], [], [], []
    try:
        rows = _table_rows(path, columns) if suffix == ".parquet" else _line_rows(path, suffix, columns)
        for row, fields in islice(rows, limit):
            if isinstance(fields[0], _NO_TEXT):
                left_out.append(row)
                continue
            text, label, group = _checked(fields, f"{path}, {kind} {row}")
            if label not in numbers:
                *others, last = numbers
                raise DataError(
                    f"{path}, {kind} {row}: the {columns.label} is {label[:80]!r}; "
                    f"it should be {', '.join(others)} or {last}."
                )
            texts.append(text)
            labels.append(numbers[label])
            groups.append(group)
            kept.append(row)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not texts:
        raise DataError(f"{path} holds no labelled text.")
    if len(set(groups)) > MAX_GROUPS:
        raise DataError(f"{path}: {columns.group!r} has {len(set(groups)):,} different values; {MAX_GROUPS} are shown.")
    return LabelledFile(path, texts, np.array(labels, np.int64), groups, kind, kept, left_out)


def _checked(fields: Sequence[Field], place: str) -> tuple[str, str, str]:
    """Text, label and group; a blank field is an empty one.

    Raises:
        DataError: one of them cannot be read.
    """
    read = []
    for field in fields:
        if isinstance(field, RequestError) and not isinstance(field, BlankTextError):
            raise DataError(f"{place}: {field}")
        read.append(field if isinstance(field, str) else "")
    text, label, group = [*read, ""][:3]
    return text, label, group


def _label_numbers(names: Sequence[Sequence[str]]) -> dict[str, int]:
    """What may stand for each class: the numbers, then the names.

    Raises:
        DataError: a name stands for one class in one model and for the other in another.
    """
    numbers = {"0": 0, "1": 1}
    for pair in names:
        for number, name in enumerate(pair):
            if numbers.setdefault(name, number) != number:
                raise DataError(f"The models cannot be compared: {name!r} is not the same class in all of them.")
    return numbers


def _line_rows(path: Path, suffix: str, columns: Columns) -> Iterator[tuple[int, tuple[Field, ...]]]:
    """Each row's number and fields: one reader for each column, all in step, as each reads one column."""
    delimiter = "\t" if suffix == ".tsv" else ","
    options = [Options(column=column, delimiter=delimiter, prefix=_PREFIX) for column in columns.names]
    formats: list[Format] = [
        DelimitedFormat(each) if SUFFIXES[suffix] == "csv" else _MemberFormat(each) for each in options
    ]
    with path.open("rb") as stream:
        compressed = stream.peek(len(_GZIP)).startswith(_GZIP)
        readers = [Reader(each, compressed) for each in formats]
        try:
            for chunk in iter(partial(stream.read, _CHUNK_BYTES), b""):
                yield from _in_step([reader.feed(chunk) for reader in readers])
            yield from _in_step([reader.finish() for reader in readers])
        except RequestError as error:  # of the file as a whole
            # The service's next sentence is about flags of its own.
            reason = str(error).partition(" Name the one with the texts")[0]
            raise DataError(f"{path}: {reason} {_FLAGS if reason != str(error) else ''}".rstrip()) from error


def _in_step(readings: Sequence[Iterator[Record | None]]) -> Iterator[tuple[int, tuple[Field, ...]]]:
    for records in zip(*readings, strict=True):
        fields = tuple(_field(record) for record in records if record)
        if fields and records[0]:
            yield records[0].line, fields


def _field(record: Record) -> Field:
    if record.error is None:
        return record.text
    assert isinstance(record.error, RequestError)  # noqa: S101 (formats note no other)
    return record.error


class _MemberFormat(PlainFormat):
    """NDJSON, of which one member of each object is read, a number as its digits."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._name = options.column

    def read(self, data: bytes) -> str:
        """The member of a line's object."""
        try:
            value = json.loads(decode(data))
        except (ValueError, RecursionError) as error:
            raise BrokenJsonError(f"The line is not JSON: {error}.") from error
        if not isinstance(value, dict) or self._name not in value:
            raise InvalidRequestError(f"The line is no object with a member {self._name!r}.")
        value = value[self._name]
        if isinstance(value, str):
            return value
        if value is None:
            return ""
        if not isinstance(value, int | float):
            raise InvalidRequestError(f"{self._name!r} is neither a string nor a number.")
        return to_json(value)


def _table_rows(path: Path, columns: Columns) -> Iterator[tuple[int, tuple[Field, ...]]]:
    """Each row's number and fields, of Parquet."""
    try:
        table = open_table(path, Options(column=columns.text, prefix=_PREFIX))
    except InvalidRequestError as error:
        raise DataError(f"{path}: {error}") from error
    for first, batch, texts in table.batches(_TABLE_ROWS, 0):
        there = batch.schema.names
        for name in columns.names:
            if there.count(name) != 1:
                raise DataError(f"{path}: The table has no column {name!r}; it has {', '.join(map(repr, there))}.")
        # A text that is missing is as good as a blank one.
        checked = [text if isinstance(text, str) else BlankTextError(str(text)) for text in texts]
        others = [
            ["" if value is None else str(value) for value in batch.column(name).to_pylist()]
            for name in columns.names[1:]
        ]
        yield from enumerate(zip(checked, *others, strict=True), first + 1)
