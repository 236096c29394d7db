"""Drift: whether the texts, and the answers to them, are still like the held-out ones of a bundle."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.inference.histograms import TextHistograms
from service.inference.predictor import Predictor
from service.models.registry import Registry
from service.monitoring.stability import population_stability_index
from service.monitoring.tallies import Tallies
from service.monitoring.window import Window
from service.scheduler import Job

ENOUGH_TEXTS = 500
"""Texts of a window from which on it is judged: with fewer, chance alone moves the index."""


@dataclass(frozen=True)
class DriftState:
    """The windows of all processes for one model.

    Attributes:
        texts: texts in them.
        began: time of the oldest, in seconds since the epoch; None if there is none.
        counts: histogram of each feature, int64[bins].
        indices: index of stability of each feature; empty before there are enough texts.
    """

    texts: int
    began: float | None
    counts: dict[str, NDArray[np.int64]]
    indices: dict[str, float]


class Drift:
    """Count what is answered, and compare it with the reference histograms of the bundles.

    Args:
        registry: returns the models that are served now.
        tallies: windows of all processes.
    """

    def __init__(self, registry: Callable[[], Registry], tallies: Tallies) -> None:
        self._registry = registry
        self._tallies = tallies
        self._windows: dict[Predictor, tuple[str, Window]] = {}

    def observe(self, job: Job) -> None:
        """Count the texts of a finished job of the scheduler, unless it belongs to an explanation or a shadow."""
        predictor = job.predictor
        if not job.predictions or not isinstance(predictor, Predictor) or predictor.manifest.histograms is None:
            return
        known = self._windows.get(predictor)
        if known is None:
            histograms, positive = predictor.manifest.histograms, predictor.manifest.labels[1]
            known = self._windows[predictor] = _digest(histograms), Window(histograms, positive)
        known[1].add(job.predictions, job.lengths)

    def keep(self) -> None:
        """Write the windows of this process for the others; those of models that are gone are dropped."""
        served = set(self._registry())
        self._windows = {predictor: known for predictor, known in self._windows.items() if predictor in served}
        self._tallies.write({str(predictor.name): _fields(*known) for predictor, known in self._windows.items()})

    def total(self, predictor: Predictor) -> DriftState | None:
        """Add up the windows of all processes for a model; None if its bundle has no reference histograms."""
        histograms = predictor.manifest.histograms
        if histograms is None:
            return None
        self.keep()
        digest, features = _digest(histograms), histograms.features()
        counts = {name: np.zeros(len(each.counts), np.int64) for name, each in features.items()}
        began: list[float] = []
        for models in self._tallies.read():
            window = models.get(str(predictor.name))
            if not window or window["digest"] != digest or window["began"] is None:
                continue
            began.append(window["began"])
            for name, more in window["counts"].items():
                counts[name] += more
        texts = int(counts["label"].sum())
        indices = {
            name: population_stability_index(each.counts, counts[name])
            for name, each in features.items()
            if texts >= ENOUGH_TEXTS
        }
        return DriftState(texts, min(began, default=None), counts, indices)


def _digest(histograms: TextHistograms) -> str:
    """Return a short hash of reference histograms: counts of other bins cannot be added."""
    return hashlib.sha256(histograms.model_dump_json().encode()).hexdigest()[:16]


def _fields(digest: str, window: Window) -> dict[str, Any]:
    counts = {name: each.tolist() for name, each in window.counts().items()}
    return {"digest": digest, "counts": counts, "began": window.began}
