"""The numbers of a text that its histograms count, in one place for the reference and for what is served."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.inference.predictor import Prediction


def text_features(
    predictions: Sequence[Prediction], lengths: Sequence[int], positive: str
) -> dict[str, NDArray[np.float64]]:
    """Return the numbers of n texts by `FEATURES`, float64[n] each.

    Args:
        predictions: of the texts.
        lengths: token ids of each text before any cut.
        positive: name of the positive label.
    """
    known = np.array([prediction.known_words for prediction in predictions], np.float64)
    words = np.array([prediction.words for prediction in predictions], np.float64)
    return {
        "probability": np.array([prediction.probability for prediction in predictions], np.float64),
        "length": np.array(lengths, np.float64),
        "known_words": known / np.maximum(words, 1.0),
        "label": np.array([prediction.label == positive for prediction in predictions], np.float64),
    }
