"""Numbers for metrics, added up until they are passed on to prometheus_client, which locks and writes each of them.

Private parts of the library's histogram are used: pyproject.toml bounds its version.
"""

from bisect import bisect_left

from prometheus_client import Counter, Histogram


class Count:
    """An increase of a counter.

    Attributes:
        value: the increase since it was passed on.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.value = 0

    def pass_on(self) -> None:
        """Increase the counter."""
        if self.value:
            self._counter.inc(self.value)
            self.value = 0


class Observations:
    """Values observed for a histogram."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._bounds: list[float] = histogram._upper_bounds
        self._begin()

    def _begin(self) -> None:
        self._number, self._sum, self._buckets = 0, 0.0, [0] * len(self._bounds)

    def add(self, value: float) -> None:
        """Observe a value."""
        self._number += 1
        self._sum += value
        self._buckets[bisect_left(self._bounds, value)] += 1

    def pass_on(self) -> None:
        """Add the values to the histogram."""
        if self._number:
            self._histogram._sum.inc(self._sum)
            for bucket, number in zip(self._histogram._buckets, self._buckets, strict=True):
                bucket.inc(number)
            self._begin()
