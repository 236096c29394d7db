"""Read a file of labelled texts for models to be compared on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.labelled import Columns, read_rows, row_kind
from training.errors import DataError

MAX_GROUPS = 20
"""Largest number of different values of a column to group by."""


@dataclass(frozen=True)
class LabelledFile:
    """Hold the labelled texts of a file.

    Attributes:
        path: of the file.
        texts: raw, of those rows that have one.
        labels: 1 = positive, int64[texts].
        groups: value of each row in the column to group by; empty strings without such a column.
        row_kind: what `rows` count, "line" or, of a table, "row".
        rows: number of the row of each text, from 1.
        left_out: numbers of the rows without a text that a model can read: blank, too long, or not of characters.
    """

    path: Path
    texts: list[str]
    labels: NDArray[np.int64]
    groups: list[str]
    row_kind: str
    rows: list[int]
    left_out: list[int]


def read_labelled(
    path: Path, columns: Columns, names: Sequence[Sequence[str]], limit: int | None = None
) -> LabelledFile:
    """Read the labelled texts of a file (see `read_rows`).

    Args:
        path: of the file.
        columns: to read.
        names: pairs of label names, for 0 and for 1, any of which may replace these numbers in the file.
        limit: largest number of rows to read.

    Raises:
        DataError: naming the first row that cannot be understood, and what it holds.
    """
    numbers = _label_numbers(names)
    texts, labels, groups, kept, left_out = [], [], [], [], []
    for row in islice(read_rows(path, columns), limit):
        if row.text is None:
            left_out.append(row.number)
            continue
        if row.label not in numbers:
            *others, last = numbers
            raise DataError(
                f"{path}, {row_kind(path)} {row.number}: the {columns.label} is {row.label[:80]!r}; "
                f"it should be {', '.join(others)} or {last}."
            )
        texts.append(row.text)
        labels.append(numbers[row.label])
        groups.append(row.group)
        kept.append(row.number)
    if not texts:
        raise DataError(f"{path} holds no labelled text.")
    if len(set(groups)) > MAX_GROUPS:
        raise DataError(f"{path}: {columns.group!r} has {len(set(groups)):,} different values; {MAX_GROUPS} are shown.")
    return LabelledFile(path, texts, np.array(labels, np.int64), groups, row_kind(path), kept, left_out)


def _label_numbers(names: Sequence[Sequence[str]]) -> dict[str, int]:
    """Return what may stand for each class: the numbers, then the names.

    Raises:
        DataError: a name stands for one class in one model and for the other in another.
    """
    numbers = {"0": 0, "1": 1}
    for pair in names:
        for number, name in enumerate(pair):
            if numbers.setdefault(name, number) != number:
                raise DataError(f"The models cannot be compared: {name!r} is not the same class in all of them.")
    return numbers
