"""How good a model is on reviews it was not fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, log_loss, roc_auc_score

CALIBRATION_BINS = 15
LENGTH_BOUNDS = (0, 100, 150, 200, 250, 300, 400, 600, 1000)  # token ids, start id included; the last bin is open
SHORT_LENGTH_BOUNDS = (0, 10, 20, 30, 40, 60, 80, 100)


@dataclass(frozen=True)
class Answers:
    """What a model said of labelled reviews.

    Attributes:
        probabilities: of positive, float64[n].
        labels: 1 = positive, int64[n].
        lengths: of each review before any cut, int64[n]: token ids, or what the bounds of `metrics` count.
    """

    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    lengths: NDArray[np.int64]


def joined_answers(parts: Sequence[Answers]) -> Answers:
    """Those of all parts, one after the other."""
    return Answers(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Answers)))


def metrics(answers: Answers, threshold: float, length_bounds: Sequence[int] | None = None) -> dict[str, Any]:
    """Every figure of the report, as plain JSON values; only `auc` is NaN where there are reviews of one class only.

    Args:
        answers: at least one.
        threshold: a probability at or above it is positive.
        length_bounds: of the bins of `by_length`, rising; a length is in the bin whose upper bound it does not pass.
            None takes `LENGTH_BOUNDS`, or `SHORT_LENGTH_BOUNDS` where most texts are shorter than the first of them.
    """
    predicted = (answers.probabilities >= threshold).astype(np.int64)
    correct = predicted == answers.labels
    if length_bounds is None:
        length_bounds = SHORT_LENGTH_BOUNDS if np.median(answers.lengths) <= LENGTH_BOUNDS[1] else LENGTH_BOUNDS
    return {
        "reviews": len(answers.labels),
        "accuracy": float(correct.mean()),
        # Clipped as Keras clips: a wrong answer given for certain would cost infinitely much.
        "loss": float(log_loss(answers.labels, np.clip(answers.probabilities, 1e-7, 1 - 1e-7), labels=[0, 1])),
        "auc": float(roc_auc_score(answers.labels, answers.probabilities)) if 0 < answers.labels.mean() < 1 else nan,
        "confusion": confusion_matrix(answers.labels, predicted, labels=[0, 1]).tolist(),
        "predicted_positive": float(predicted.mean()),
        "calibration_error": _calibration_error(answers),
        "calibration": calibration_bins(answers),
        "by_length": _by_length(answers.lengths, correct, length_bounds),
    }


def calibration_bins(answers: Answers) -> list[dict[str, float]]:
    """Group reviews by their probability in equal steps: mean probability against share of positives."""
    bins = np.minimum((answers.probabilities * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        {
            "reviews": int(inside.sum()),
            "mean_probability": float(answers.probabilities[inside].mean()),
            "share_positive": float(answers.labels[inside].mean()),
        }
        for inside in (bins == number for number in range(CALIBRATION_BINS))
        if inside.any()
    ]


def _calibration_error(answers: Answers) -> float:
    """Expected calibration error: the bins' mean |probability - share of positives|, weighted by their size.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3, for the positive class.
    """
    gaps = [
        bin_["reviews"] * abs(bin_["mean_probability"] - bin_["share_positive"]) for bin_ in calibration_bins(answers)
    ]
    return float(sum(gaps) / len(answers.labels))


def _by_length(lengths: NDArray[np.int64], correct: NDArray[np.bool_], bounds: Sequence[int]) -> list[dict[str, Any]]:
    rows = []
    for low, high in zip(bounds, (*bounds[1:], None), strict=True):
        inside = (lengths > low) & (lengths <= (high or np.inf))
        if inside.any():
            accuracy = float(correct[inside].mean())
            rows.append({"from": low + 1, "to": high, "reviews": int(inside.sum()), "accuracy": accuracy})
    return rows
