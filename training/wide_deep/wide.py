"""Weights of n-grams, as several models see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.recipes import NetworkRecipe
from training.wide_deep.corpus import Corpus, Ints
from training.wide_deep.features import Features, Floats
from training.wide_deep.texts import read_ids

PART = 10_000
"""Texts whose n-grams are looked up at once."""


@dataclass(frozen=True)
class Wide:
    """N-grams, and the columns of their weights.

    The columns are the models' scores: regressions, then the language models, which have a column for each order.

    Attributes:
        features: the n-grams; words are all there.
        weights: float64[features, columns].
        biases: float64[columns].
    """

    features: Features
    weights: Floats
    biases: Floats

    def save(self, path: Path) -> None:
        """Write them to a file."""
        np.savez(path, *self.features.keys, weights=self.weights, biases=self.biases)

    @classmethod
    def load(cls, path: Path) -> "Wide":
        """Read them from a file."""
        with np.load(path) as arrays:
            keys = tuple(arrays[f"arr_{order}"] for order in range(len(arrays.files) - 2))
            return cls(Features(keys), arrays["weights"], arrays["biases"])

    def scores(self, corpus: Corpus, num_words: int) -> Floats:
        """Score each text, float64[texts, columns]; an n-gram counts as often as it occurs."""
        sums = np.zeros((len(corpus.token_ids) + 1, self.weights.shape[1]))
        weights = np.append(self.weights, np.zeros((1, self.weights.shape[1])), axis=0)  # the last is that of none, -1
        for found in self.features.at(corpus, num_words):
            # An n-gram stands at its first id, and none reaches into the next text.
            sums[1:] += weights[found]
        sums = np.cumsum(sums, axis=0)
        scores: Floats = sums[corpus.starts + corpus.lengths] - sums[corpus.starts] + self.biases
        return scores


def most_telling(weights: Floats, counts: Floats, features: Features, recipe: NetworkRecipe) -> NDArray[np.bool_]:
    """Select the features to keep: all words, and the n-grams whose weights change most answers most, bool[features].

    Args:
        weights: [features, models].
        counts: how often each feature occurs.
        features: all of them.
        recipe: how many n-grams.
    """
    effects = counts[:, None] * weights**2
    worth = (effects / effects.mean(axis=0)).sum(axis=1)
    kept: NDArray[np.bool_] = features.orders == 0
    order = np.argsort(-np.where(kept, -1, worth), kind="stable")[: recipe.max_ngrams]
    kept[order[~kept[order]]] = True
    return kept


def model_scores(recipe: NetworkRecipe, models: Wide, texts: Sequence[Ints]) -> Floats:
    """Compute the scores of the models, float64[n, columns]."""
    parts = [
        models.scores(Corpus(read_ids(recipe, texts[i : i + PART])), recipe.num_words)
        for i in range(0, len(texts), PART)
    ]
    return np.concatenate(parts)


def by_order(features: Features, ratios: Floats) -> Floats:
    """Give each order of the language models a column, as it is a score of its own: float64[features, orders]."""
    return np.asarray(
        np.where(features.orders[:, None] == np.arange(len(features.keys)), ratios[:, None], 0), np.float64
    )
