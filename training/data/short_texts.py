"""Draw sentences from reviews, to measure a model on texts as short as people try first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_WORDS = 4
"""Least number of words of a sentence."""
SEED = 7

_SENTENCE_END = re.compile(r"[.!?]+|<br />")


@dataclass(frozen=True)
class LabelledTexts:
    """Hold texts drawn from reviews.

    Attributes:
        texts: raw.
        labels: of the review that each text is from, int64[n].
        reviews: the number of that review, int64[n].
    """

    texts: list[str]
    labels: NDArray[np.int64]
    reviews: NDArray[np.int64]


def short_texts(reviews: Sequence[str], labels: NDArray[np.int64]) -> dict[str, LabelledTexts]:
    """Draw sets of short texts with a fixed seed, at most one text of a review, labelled as the whole review.

    A review is split at `.`, `!`, `?` and `<br />`, and parts of fewer than `MIN_WORDS` words are left out. The sets
    are: one sentence of it; two that follow each other; the last two.

    Args:
        reviews: raw text.
        labels: int64[reviews].
    """
    random = np.random.default_rng(SEED)
    sets: dict[str, list[tuple[str, int]]] = {"one sentence": [], "two sentences": [], "last two sentences": []}
    for number, review in enumerate(reviews):
        sentences = [part.strip() for part in _SENTENCE_END.split(review) if len(part.split()) >= MIN_WORDS]
        if sentences:
            sets["one sentence"].append((sentences[random.integers(len(sentences))], number))
        if len(sentences) > 1:
            first = int(random.integers(len(sentences) - 1))
            sets["two sentences"].append((f"{sentences[first]}. {sentences[first + 1]}", number))
            sets["last two sentences"].append((f"{sentences[-2]}. {sentences[-1]}", number))
    labelled = {}
    for name, drawn in sets.items():
        numbers = np.array([number for _, number in drawn], np.int64)
        labelled[name] = LabelledTexts([text for text, _ in drawn], labels[numbers], numbers)
    return labelled
