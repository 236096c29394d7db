"""Read a user's labelled texts, and leave out what would spoil training or measuring."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.labelled import Columns, Row, read_rows, row_kind
from training.errors import DataError
from training.recipes import LABELS

MIN_TEXTS, MIN_OF_CLASS = 100, 20
"""Least number of different texts, and of those of each label."""
FEW_TEXTS = 500
"""Below this number of texts the figures of a model have wide intervals."""
_POSITIVE = {"1", "positive", "pos", "true", "yes", "good", "긍정"}
_NEGATIVE = {"0", "negative", "neg", "false", "no", "bad", "부정"}


@dataclass(frozen=True)
class OwnTexts:
    """Hold the cleaned texts of a file.

    Attributes:
        path: of the file.
        texts: raw, each once.
        labels: 1 = positive, int64[texts].
        label_names: what the file calls the labels 0 and 1; `LABELS` where it calls them 0 and 1.
        groups: value of each text in the column to group by, or None without such a column.
        row_kind: "line" or "row", what the numbers below count.
        unreadable: rows without a text or label: blank, too long, or not of characters.
        duplicates: rows that repeat the text and label of an earlier one.
        contradictory: rows whose text occurs with both labels; none of them is used.
    """

    path: Path
    texts: list[str]
    labels: NDArray[np.int64]
    label_names: tuple[str, str]
    groups: list[str] | None
    row_kind: str
    unreadable: list[int]
    duplicates: list[int]
    contradictory: list[int]


def read_own_texts(path: Path, columns: Columns, positive_label: str | None = None) -> OwnTexts:
    """Read a file of texts with two labels.

    Two texts are the same if they differ only in white space and capital letters.

    Args:
        path: of the file.
        columns: to read; with a group, texts of one group are never both trained on and measured on.
        positive_label: the label that becomes 1; None recognises the usual ones, such as 1 and positive.

    Raises:
        DataError: the file cannot be read, has other than two labels, or too few texts.
    """
    rows, unreadable = [], []
    for row in read_rows(path, columns):
        if row.text is None or not row.label.strip():
            unreadable.append(row.number)
        else:
            rows.append(row)
    label_names = _label_names(path, columns, rows, positive_label)
    labels_of = defaultdict(set)
    for row in rows:
        labels_of[_same(row)].add(row.label)
    seen, kept, duplicates, contradictory = set(), [], [], []
    for row in rows:
        if len(labels_of[_same(row)]) > 1:
            contradictory.append(row.number)
        elif _same(row) in seen:
            duplicates.append(row.number)
        else:
            seen.add(_same(row))
            kept.append(row)
    labels = np.array([label_names.index(row.label) for row in kept], np.int64)
    counts = np.bincount(labels, minlength=2)
    if len(kept) < MIN_TEXTS or counts.min() < MIN_OF_CLASS:
        raise DataError(
            f"{path} has {len(kept):,} different texts, {counts[0]:,} {label_names[0]!r} and {counts[1]:,} "
            f"{label_names[1]!r}; at least {MIN_TEXTS} texts and {MIN_OF_CLASS} of each label are needed."
        )
    return OwnTexts(
        path=path,
        texts=[str(row.text) for row in kept],
        labels=labels,
        label_names=LABELS if set(label_names) == {"0", "1"} else label_names,
        groups=[row.group for row in kept] if columns.group is not None else None,
        row_kind=row_kind(path),
        unreadable=unreadable,
        duplicates=duplicates,
        contradictory=contradictory,
    )


def _same(row: Row) -> str:
    return " ".join(str(row.text).split()).casefold()


def _label_names(path: Path, columns: Columns, rows: Sequence[Row], positive_label: str | None) -> tuple[str, str]:
    """Return the negative and the positive label of a file."""
    values = sorted({row.label for row in rows})
    shown = ", ".join(repr(value[:40]) for value in values[:5]) + (", …" if len(values) > 5 else "")
    if len(values) != 2:
        found = f"the values {shown}" if values else "no value"
        raise DataError(
            f"{path}: the column {columns.label!r} has {found}; two different labels are needed "
            "(--label-column names another column)."
        )
    if positive_label is None:
        known = [value for value in values if value.strip().lower() in _POSITIVE]
        known = known or [value for value in reversed(values) if value.strip().lower() not in _NEGATIVE]
        if len(known) != 1:
            raise DataError(f"{path}: which of {shown} is positive? --positive-label says it.")
        positive_label = known[0]
    if positive_label not in values:
        raise DataError(f"{path}: --positive-label is {positive_label!r}; the labels are {shown}.")
    return next(value for value in values if value != positive_label), positive_label
