"""The figures of feedback: how good each model version is on the texts whose true labels are known."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from typing import Any

from service.feedback.database import PROBABILITY_UNITS, read_database
from service.inference.predictor import ModelName

Z_95 = 1.96
"""Standard errors on each side of a 95 % interval."""


@dataclass(slots=True)
class _Bin:
    """Texts whose probabilities are close."""

    texts: int = 0
    positive: int = 0
    probability_sum: float = 0.0


@dataclass(slots=True)
class Figures:
    """The feedback on one model version.

    Attributes:
        model: the version.
        labels: its labels, negative and positive.
        since: Unix time of the oldest label that counts.
        confusion: texts by their true label (row) and the label of the answer (column), the negative label first.
    """

    model: ModelName
    labels: tuple[str, str]
    since: int
    confusion: list[list[int]] = field(default_factory=lambda: [[0, 0], [0, 0]])
    _bins: dict[int, _Bin] = field(default_factory=dict)

    @property
    def texts(self) -> int:
        """The number of texts."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """The share of texts that were answered with their true label."""
        return (self.confusion[0][0] + self.confusion[1][1]) / self.texts

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy.

        Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
        """
        share, n, z = self.accuracy, self.texts, Z_95
        middle, half = share + z * z / (2 * n), z * sqrt((share * (1 - share) + z * z / (4 * n)) / n)
        return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))

    @property
    def calibration_error(self) -> float:
        """The mean |probability - share of positives| of bins of equal width, weighted by their texts.

        Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3, for the positive class.
        """
        return sum(abs(each.probability_sum - each.positive) for each in self._bins.values()) / self.texts

    def add(self, said: int, label: int, number: int, texts: int, probability_sum: float) -> None:
        """Count texts.

        Args:
            said: 1 if the answer was the positive label, else 0.
            label: 1 if the true label is the positive one, else 0.
            number: of the bin of their probabilities.
            texts: number of texts.
            probability_sum: sum of their probabilities.
        """
        self.confusion[label][said] += texts
        each = self._bins.setdefault(number, _Bin())
        each.texts += texts
        each.positive += texts * label
        each.probability_sum += probability_sum

    def fields(self) -> dict[str, Any]:
        """Return the members of an answer about the version."""
        return {
            "version": self.model.version,
            "texts": self.texts,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "labels": list(self.labels),
            "confusion": self.confusion,
            "calibration_error": self.calibration_error,
            "since": iso_time(self.since),
        }


def read_figures(path: Path) -> list[Figures]:
    """Read the figures of all model versions with feedback, by name and version.

    Args:
        path: the database.

    Raises:
        SettingsError: it is none of feedback.
        FeedbackUnavailableError: it cannot be read now.
    """
    with read_database(path) as database:
        return _figures(database)


def iso_time(second: int) -> str:
    """Write a Unix time as ISO 8601, in UTC."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _figures(database: sqlite3.Connection) -> list[Figures]:
    versions: Sequence[tuple[int, str, int, str, str, int | None]] = database.execute(
        "SELECT id, model, version, negative, positive, "
        "(SELECT min(received) FROM feedback WHERE version_id = versions.id) FROM versions ORDER BY 2, 3, 1"
    ).fetchall()
    figures = {
        version_id: Figures(ModelName(name, version), (negative, positive), since)
        for version_id, name, version, negative, positive, since in versions
        if since is not None
    }
    for version_id, said, label, number, texts, probability_sum in database.execute(
        "SELECT version_id, said, label, bin, texts, probability_sum FROM counts WHERE texts > 0"
    ):
        figures[version_id].add(said, label, number, texts, probability_sum / PROBABILITY_UNITS)
    return list(figures.values())
