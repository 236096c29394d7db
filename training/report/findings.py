"""What the figures of a run say, each in one sentence: the titles of its pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

SURE_ENOUGH = 0.01  # mean confidence and accuracy that are this close are called equal


def history_finding(name: str, history: dict[str, list[float]]) -> str:
    """Describe the curves of `loss` or `accuracy`, with validation where there is one."""
    form = ".1%" if name == "accuracy" else ".3f"
    training, validation = history.get(name, []), history.get(f"val_{name}", [])
    if not validation:
        return f"Training {name} is {training[-1]:{form}} after {_epochs(len(training))}"
    best = int(np.argmax(validation) if name == "accuracy" else np.argmin(validation))
    extreme = "highest" if name == "accuracy" else "lowest"
    finding = f"Validation {name} is {extreme} after epoch {best + 1}: {validation[best]:{form}}"
    if best + 1 < len(validation):
        finding += f"; after epoch {len(validation)} it is {validation[-1]:{form}}"
        if training:
            finding += f", in training {training[-1]:{form}}"
    return finding


def confusion_finding(confusion: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """Say how many are right, and to which side the errors go."""
    counts = np.array(confusion)
    right, errors = int(np.trace(counts)), int(counts.sum() - np.trace(counts))
    finding = f"{right:,} of {counts.sum():,} reviews are right ({right / counts.sum():.1%})"
    if not errors:
        return finding
    side = int(counts[0, 1] >= counts[1, 0])
    return f"{finding}; of the {errors:,} errors, {counts[1 - side, side] / errors:.0%} say {labels[side]}"


def calibration_finding(bins: Sequence[dict[str, float]]) -> str:
    """Say whether the model is as sure as it should be."""
    reviews, given, positive = (
        np.array([b[key] for b in bins]) for key in ("reviews", "mean_probability", "share_positive")
    )
    confidence = float(np.average(np.maximum(given, 1 - given), weights=reviews))
    right = float(np.average(np.where(given >= 0.5, positive, 1 - positive), weights=reviews))
    rest = f"it gives its answers {confidence:.1%} on average, and {right:.1%} are right"
    if abs(confidence - right) < SURE_ENOUGH:
        return f"As sure as it should be: {rest}"
    return f"{'Too sure of itself' if confidence > right else 'Surer than it says'}: {rest}"


def length_bin(row: dict[str, Any]) -> str:
    """Name a bin of `by_length`."""
    return f"{row['from']:,}–{row['to']:,}" if row["to"] else f"over {row['from'] - 1:,}"


def by_length_finding(rows: Sequence[dict[str, Any]]) -> str:
    """Say where the model is right most and least often."""
    best, worst = (choose(rows, key=lambda row: row["accuracy"]) for choose in (max, min))
    if best is worst:
        return f"Accuracy {best['accuracy']:.1%} at {length_bin(best)} ids"
    return (
        f"Accuracy is {best['accuracy']:.1%} at its best, for {length_bin(best)} ids, "
        f"and {worst['accuracy']:.1%} at its worst, for {length_bin(worst)}"
    )


def short_texts_finding(sets: dict[str, dict[str, Any]], overall: float | None) -> str:
    """Say what is left of the accuracy where there is least to read."""
    name = min(sets, key=lambda each: sets[each]["accuracy"])
    rest = "" if overall is None else f", instead of {overall:.1%} of whole reviews"
    return f"With {name} of a review it gets {sets[name]['accuracy']:.1%} right{rest}"


def length_finding(length: dict[str, Any]) -> str:
    """Compare the lengths of reviews with what the model reads."""
    return (
        f"Half of the reviews have {length['percentiles']['50']:,} ids or fewer; "
        f"{length['share_over_maxlen']:.0%} are longer than the {length['maxlen']:,} that the model reads"
    )


def interval(share: float, n: int) -> tuple[float, float]:
    """Compute the 95 % interval of a share of n.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    z = 1.96
    middle, half = share + z * z / (2 * n), z * ((share * (1 - share) + z * z / (4 * n)) / n) ** 0.5
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def _epochs(number: int) -> str:
    return f"{number} epoch{'s' * (number > 1)}"
