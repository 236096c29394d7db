"""A histogram that is kept in a tally and added up over processes."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Self


@dataclass(slots=True)
class Histogram:
    """Counts of values by their size, as Prometheus has them.

    Attributes:
        bounds: upper bounds of the bins but the last, rising; a bin includes its bound.
        counts: values in each bin, one more than bounds.
        total: sum of all values.
    """

    bounds: Sequence[float]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    @property
    def count(self) -> int:
        """Number of values."""
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        """Mean of all values; None if there are none."""
        return self.total / self.count if self.count else None

    def add(self, value: float, times: int = 1) -> None:
        """Count a value so many times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    def merge(self, other: Self) -> None:
        """Add the values of another histogram of the same bounds."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def buckets(self) -> list[tuple[str, float]]:
        """Return Prometheus's cumulative buckets: upper bound and number of values up to it."""
        return [
            (str(bound), float(count))
            for bound, count in zip((*self.bounds, "+Inf"), accumulate(self.counts), strict=True)
        ]

    def fields(self) -> dict[str, Any]:
        """Return plain JSON values, without the bounds."""
        return {"counts": self.counts, "total": self.total}
