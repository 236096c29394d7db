"""`python -m service feedback`: the feedback that a service keeps, as figures or as a file."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from service.errors import ServiceError
from service.feedback.export import FeedbackRow, read_feedback
from service.feedback.figures import Figures, iso_time, read_figures
from service.settings import ENV_PREFIX, Settings

SUFFIXES = (".csv", ".ndjson", ".jsonl")
_COLUMNS = [field.name for field in fields(FeedbackRow)]


class FeedbackError(ServiceError):
    """Feedback cannot be shown or written."""


def summary(settings: Settings, as_json: bool) -> str:
    """Describe the feedback on every model version.

    Args:
        settings: name the database.
        as_json: whether to write JSON, or text for people.

    Raises:
        ServiceError: the database is not there, or cannot be read.
    """
    figures = read_figures(_path(settings))
    if as_json:
        return json.dumps({"versions": [{"name": each.model.name, **each.fields()} for each in figures]}, indent=1)
    return "\n\n".join(map(_described, figures)) or "No feedback is kept."


def export(settings: Settings, output: Path | None, model: str | None) -> tuple[int, int]:
    """Write the texts with their true labels, in the columns of `FeedbackRow`.

    Args:
        settings: name the database.
        output: a file of CSV or NDJSON, by its suffix; None for NDJSON on standard output.
        model: name of the only model wanted; None for all.

    Returns:
        The number of texts written, and of rows left out because their text was not kept.

    Raises:
        ServiceError: there is nothing to write, or the file cannot be written.
    """
    rows = read_feedback(_path(settings), model)
    left_out = 0

    def with_text() -> Iterator[FeedbackRow]:
        nonlocal left_out
        for row in rows:
            left_out += row.text is None
            if row.text is not None:
                yield row

    chosen = with_text()
    first = next(chosen, None)
    if first is None:
        raise FeedbackError(
            f"None of the texts of {left_out:,} labels was kept; {ENV_PREFIX}FEEDBACK_TEXTS=true keeps those to come."
            if left_out
            else "No feedback is kept" + (f" on {model}." if model else ".")
        )
    with _opened(output) as file:
        written = _write(file, chain((first,), chosen), as_csv=output is not None and output.suffix == ".csv")
    return written, left_out


def _write(file: TextIO, rows: Iterable[FeedbackRow], as_csv: bool) -> int:
    table = csv.writer(file, lineterminator="\n") if as_csv else None
    if table:
        table.writerow(_COLUMNS)
    written = 0
    for row in rows:
        if table:
            table.writerow(astuple(row))
        else:
            file.write(json.dumps(_members(row), ensure_ascii=False) + "\n")
        written += 1
    return written


def _members(row: FeedbackRow) -> dict[str, Any]:
    return dict(zip(_COLUMNS, astuple(row), strict=True))


def _path(settings: Settings) -> Path:
    if settings.feedback_file is None:
        raise FeedbackError(f"Name the file of feedback: --feedback-file or {ENV_PREFIX}FEEDBACK_FILE.")
    return settings.feedback_file


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise FeedbackError(f"{output} cannot be written: {error.strerror}.") from error


def _described(figures: Figures) -> str:
    """Describe the feedback on a version."""
    low, high = figures.accuracy_interval
    width = max(map(len, figures.labels))
    rows = [
        f"  {label:{width}}  answered {figures.labels[0]}: {negative:,}, {figures.labels[1]}: {positive:,}"
        for label, (negative, positive) in zip(figures.labels, figures.confusion, strict=True)
    ]
    return "\n".join(
        [
            f"{figures.model}: {figures.texts:,} texts since {iso_time(figures.since)}",
            f"  accuracy {figures.accuracy:.1%}, 95 % interval {low:.1%} to {high:.1%}",
            f"  calibration error {figures.calibration_error:.3f}",
            *rows,
        ]
    )
