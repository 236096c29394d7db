"""The sliding window of what one process answered last with one model."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import time

import numpy as np
from numpy.typing import NDArray

from service.inference.histograms import TextHistograms
from service.inference.predictor import Prediction
from service.inference.text_features import text_features

SLICES = 12
"""Slices of a window; with each new one the oldest goes."""

SLICE_SECONDS, SLICE_TEXTS = 300.0, 100
"""Time, and texts, after which a new slice begins: both, so that a window has enough texts where few come."""

MAX_AGE_SECONDS = 86_400.0
"""Age at which a slice goes in any case."""

PENDING_TEXTS = 1_024
"""Texts that are counted together: for each the cost is a tenth of what it is alone."""


@dataclass(slots=True)
class _Slice:
    """Counts of some minutes."""

    began: float
    counts: dict[str, NDArray[np.int64]]
    texts: int = 0


class Window:
    """Histograms of the texts of the last hour, or longer where few come.

    Args:
        histograms: the reference, whose bins are counted.
        positive: name of the positive label.
        clock: seconds since the epoch.
    """

    def __init__(self, histograms: TextHistograms, positive: str, clock: Callable[[], float] = time) -> None:
        self._histograms = histograms.features()
        self._positive = positive
        self._clock = clock
        self._slices: deque[_Slice] = deque()
        self._predictions: list[Prediction] = []
        self._lengths: list[int] = []

    def add(self, predictions: Sequence[Prediction], lengths: Sequence[int]) -> None:
        """Count texts.

        Args:
            predictions: of the texts.
            lengths: token ids of each before any cut.
        """
        self._predictions += predictions
        self._lengths += lengths
        if len(self._lengths) >= PENDING_TEXTS:
            self._count()

    def counts(self) -> dict[str, NDArray[np.int64]]:
        """Return the histogram of each feature, int64[bins]."""
        self._count()
        total = self._empty()
        for piece in self._slices:
            for name, counts in piece.counts.items():
                total[name] += counts
        return total

    @property
    def began(self) -> float | None:
        """Time of the oldest text at the earliest, in seconds since the epoch; None if there is none."""
        return self._slices[0].began if self._slices else None

    def _count(self) -> None:
        now = self._clock()
        if self._lengths:
            last = self._slices[-1] if self._slices else None
            if last is None or (now - last.began >= SLICE_SECONDS and last.texts >= SLICE_TEXTS):
                last = _Slice(now, self._empty())
                self._slices.append(last)
            features = text_features(self._predictions, self._lengths, self._positive)
            for name, values in features.items():
                last.counts[name] += self._histograms[name].count(values)
            last.texts += len(self._lengths)
            self._predictions, self._lengths = [], []
        while self._slices and (len(self._slices) > SLICES or now - self._slices[0].began > MAX_AGE_SECONDS):
            self._slices.popleft()

    def _empty(self) -> dict[str, NDArray[np.int64]]:
        return {name: np.zeros(len(each.counts), np.int64) for name, each in self._histograms.items()}
