"""Models on the same labelled texts: how good each is, and whether the difference between two is more than luck."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from service.inference.bundle import Bundle
from service.inference.precision import choose_precision
from service.inference.predictor import Prediction, Predictor
from training.compare.bundles import model_label
from training.compare.labelled import LabelledFile
from training.evaluate import Answers, metrics
from training.report.findings import interval

WORD_BOUNDS = (-1, 5, 10, 20, 50, 100, 200, 400)
"""Of the bins of lengths, in words or characters, as the first model counts; the last bin is open."""
MOST_DIFFERENT = 5
"""Texts that are shown."""
SHOWN_CHARS = 300
"""Of each of them."""
_WARM_UP_TEXTS = 64
_WINDOW_TEXTS = 512  # that each model reads in turn: enough for texts of like length to find each other


@dataclass(frozen=True)
class _Read:
    """What a model said of all texts.

    Attributes:
        predictions: one for each text.
        probabilities: of positive, float64[n].
        right: bool[n].
        seconds: of processor time that it took, on one thread.
    """

    predictions: list[Prediction]
    probabilities: NDArray[np.float64]
    right: NDArray[np.bool_]
    seconds: float


def compare(
    bundles: Sequence[Bundle], file: LabelledFile, precision: str, progress: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Let each model read all texts.

    Args:
        bundles: one or more.
        file: the texts.
        precision: of the graphs; `auto` takes what the service would take on this machine.
        progress: told after each window how many texts more all models have read.

    Returns:
        Plain JSON values: `file`, `labels`, `models` with the metrics of each, `by_group`, `pairs`, `most_different`.

    Raises:
        BundleError: a bundle cannot be used.
    """
    predictors = [Predictor.load(bundle, choose_precision(bundle, precision)) for bundle in bundles]
    reads = _read(predictors, file, progress)
    labels = [model_label(bundle) for bundle in bundles]
    words = np.array([prediction.words for prediction in reads[0].predictions])  # of one, so that the bins are the same
    return {
        "file": {
            "path": str(file.path),
            "texts": len(file.texts),
            "positive": int(file.labels.sum()),
            "left_out": file.left_out,
            "row_kind": file.row_kind,
        },
        "labels": list(bundles[0].manifest.labels),
        "models": [
            {
                "model": label,
                "precision": predictor.precision,
                "counted": predictor.manifest.tokenizer.counted,
                **_figures(read, file, words, predictor),
            }
            for label, predictor, read in zip(labels, predictors, reads, strict=True)
        ],
        "by_group": _by_group(reads, file.groups),
        "pairs": [
            {"models": [labels[a], labels[b]], **_pair(reads[a].right, reads[b].right)}
            for a, b in combinations(range(len(reads)), 2)
        ],
        "most_different": _most_different(reads, file),
    }


def mcnemar(only_first_right: int, only_second_right: int) -> float:
    """Compute how likely so uneven a split is, or one more uneven, if neither model is better (two-sided, exact).

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12
    (1947); by the binomial distribution in place of its approximation.
    """
    disagreed = only_first_right + only_second_right
    return float(binomtest(only_first_right, disagreed).pvalue) if disagreed else 1.0


def _read(predictors: Sequence[Predictor], file: LabelledFile, progress: Callable[[int], None]) -> list[_Read]:
    """Time the models in turns, so that nothing else that the machine does slows one of them alone."""
    predictions: list[list[Prediction]] = [[] for _ in predictors]
    seconds = [0.0 for _ in predictors]
    for predictor in predictors:
        predictor.predict(file.texts[:_WARM_UP_TEXTS])  # or few texts would tell of the first time, not of the model
    for start in range(0, len(file.texts), _WINDOW_TEXTS):
        window = file.texts[start : start + _WINDOW_TEXTS]
        for number, predictor in enumerate(predictors):
            began = time.thread_time()  # of this thread's processor: another program's work is not counted
            predictions[number] += predictor.predict(window)
            seconds[number] += time.thread_time() - began
        progress(len(window))
    reads = []
    for predictor, said, taken in zip(predictors, predictions, seconds, strict=True):
        probabilities = np.array([prediction.probability for prediction in said])
        right = (probabilities >= predictor.manifest.threshold) == file.labels
        reads.append(_Read(said, probabilities, right, taken))
    return reads


def _figures(read: _Read, file: LabelledFile, words: NDArray[np.int64], predictor: Predictor) -> dict[str, Any]:
    measured = metrics(Answers(read.probabilities, file.labels, words), predictor.manifest.threshold, WORD_BOUNDS)
    texts, all_words = len(file.texts), sum(prediction.words for prediction in read.predictions)
    known = sum(prediction.known_words for prediction in read.predictions)
    return {
        **measured,
        "auc": None if isnan(measured["auc"]) else measured["auc"],
        "accuracy_interval": list(interval(measured["accuracy"], texts)),
        "known_words": known / all_words if all_words else None,
        "truncated": sum(prediction.truncated for prediction in read.predictions),
        "processor_seconds": read.seconds,
        "texts_per_second": texts / read.seconds if read.seconds else None,  # by a coarse clock few texts take none
    }


def _by_group(reads: Sequence[_Read], groups: Sequence[str]) -> list[dict[str, Any]]:
    """Accuracy of each model in each group, in the order in which the groups come; nothing where there is but one."""
    names = list(dict.fromkeys(groups))
    if len(names) < 2:
        return []
    members = {name: np.array([group == name for group in groups]) for name in names}
    return [
        {"group": name, "texts": int(inside.sum()), "accuracy": [float(read.right[inside].mean()) for read in reads]}
        for name, inside in members.items()
    ]


def _pair(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> dict[str, Any]:
    """Compare two models: with two labels, exactly one is right wherever they disagree."""
    only = int((first & ~second).sum()), int((second & ~first).sum())
    return {"disagree": sum(only), "right": list(only), "mcnemar_p": mcnemar(*only)}


def _most_different(reads: Sequence[_Read], file: LabelledFile) -> list[dict[str, Any]]:
    """Select the texts that models label differently, those with the most distant probabilities first."""
    probabilities = np.array([read.probabilities for read in reads])
    right = np.array([read.right for read in reads])
    spread = np.ptp(probabilities, axis=0)
    differ = np.flatnonzero(right.any(axis=0) & ~right.all(axis=0))
    chosen = differ[np.argsort(-spread[differ], kind="stable")][:MOST_DIFFERENT]
    return [
        {
            "row": file.rows[text],
            "label": int(file.labels[text]),
            "probabilities": probabilities[:, text].tolist(),
            "text": _shortened(file.texts[text]),
        }
        for text in chosen.tolist()
    ]


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"
