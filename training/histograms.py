"""Make the reference histograms of a bundle, which the service compares what it reads with."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.inference.histograms import FeatureHistogram, TextHistograms, binned
from service.inference.predictor import Predictor
from service.inference.text_features import text_features

MAX_BINS, TEXTS_PER_BIN = 10, 50
"""Bins of like counts at most, and texts for each at least: with fewer the index of stability is mostly chance."""

MIN_TEXTS = 2 * TEXTS_PER_BIN


def text_histograms(predictor: Predictor, texts: Sequence[str], source: str) -> TextHistograms | None:
    """Make the histograms of texts that a model was not trained on, read as the service reads them.

    Args:
        predictor: the model.
        texts: raw.
        source: the texts, in a few words.

    Returns:
        The histograms; None for fewer than `MIN_TEXTS` texts.
    """
    if len(texts) < MIN_TEXTS:
        return None
    lengths = [len(encoded.token_ids) for encoded in predictor.encode(texts)]
    features = text_features(predictor.predict(texts), lengths, predictor.manifest.labels[1])
    histograms = {name: _histogram(values) for name, values in features.items() if name != "label"}
    return TextHistograms(source=source, texts=len(texts), label=_counted((0.5,), features["label"]), **histograms)


def _histogram(values: NDArray[np.float64]) -> FeatureHistogram:
    """Count values in bins that hold as many each, as far as equal values allow."""
    bins = min(MAX_BINS, len(values) // TEXTS_PER_BIN)
    inner = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    return _counted(np.unique(np.round(inner, 6)).tolist(), values)


def _counted(bounds: Sequence[float], values: NDArray[np.float64]) -> FeatureHistogram:
    return FeatureHistogram(bounds=tuple(bounds), counts=tuple(binned(bounds, values).tolist()))
