"""The tally of a shadow: how often and how far the answers of two versions to the same texts differ."""

import math
from dataclasses import dataclass, field
from typing import Any, Self

from service.inference.predictor import Prediction
from service.models.pair import Pair
from service.monitoring.histogram import Histogram

DIFFERENCE_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75)
TEXT_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)

NORMAL_QUANTILE = 1.959964
"""Quantile of the standard normal distribution, for intervals of 95 %."""


@dataclass(slots=True)
class ShadowTally:
    """Result of the comparison of a pair.

    Attributes:
        dropped: texts that were chosen and not read, because there was no capacity or the shadow failed.
        flips: texts to which the two versions gave different labels.
        largest: largest difference of probability.
        differences: histogram of the differences of probability; each text compared counts.
        answering_seconds: histogram of the seconds for each text of the version that answers.
        shadow_seconds: the same of the shadow.
    """

    dropped: int = 0
    flips: int = 0
    largest: float = 0.0
    differences: Histogram = field(default_factory=lambda: Histogram(DIFFERENCE_BOUNDS))
    answering_seconds: Histogram = field(default_factory=lambda: Histogram(TEXT_SECONDS))
    shadow_seconds: Histogram = field(default_factory=lambda: Histogram(TEXT_SECONDS))

    @classmethod
    def of_fields(cls, fields: dict[str, Any]) -> Self:
        """Make the tally of what `fields` returned."""
        return cls(
            fields["dropped"],
            fields["flips"],
            fields["largest"],
            Histogram(DIFFERENCE_BOUNDS, **fields["differences"]),
            Histogram(TEXT_SECONDS, **fields["answering_seconds"]),
            Histogram(TEXT_SECONDS, **fields["shadow_seconds"]),
        )

    @property
    def texts(self) -> int:
        """Number of texts compared."""
        return self.differences.count

    def compare(self, answered: Prediction, shadowed: Prediction, flipped: bool) -> None:
        """Count the answers of both versions to a text."""
        difference = abs(answered.probability - shadowed.probability)
        self.differences.add(difference)
        self.largest = max(self.largest, difference)
        self.flips += flipped

    def merge(self, other: Self) -> None:
        """Add the tally of another process."""
        self.dropped += other.dropped
        self.flips += other.flips
        self.largest = max(self.largest, other.largest)
        self.differences.merge(other.differences)
        self.answering_seconds.merge(other.answering_seconds)
        self.shadow_seconds.merge(other.shadow_seconds)

    def fields(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "dropped": self.dropped,
            "flips": self.flips,
            "largest": self.largest,
            "differences": self.differences.fields(),
            "answering_seconds": self.answering_seconds.fields(),
            "shadow_seconds": self.shadow_seconds.fields(),
        }


def flipped(pair: Pair, answered: Prediction, shadowed: Prediction) -> bool:
    """Tell whether one of two predictions is the positive label of its model and the other is not."""
    positives = pair.answering.manifest.labels[1], pair.shadow.manifest.labels[1]
    return (answered.label == positives[0]) != (shadowed.label == positives[1])


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """Compute the 95 % interval of a share.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.

    Args:
        hits: trials that count.
        trials: all trials, at least one.
    """
    square = NORMAL_QUANTILE**2
    share = hits / trials
    middle = share + square / (2 * trials)
    half = NORMAL_QUANTILE * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    scale = 1 + square / trials
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
