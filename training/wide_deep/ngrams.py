"""Choose the n-grams that the network has weights for, by a quick linear fit."""

import numpy as np
from numpy.typing import NDArray

from training.recipes import NetworkRecipe
from training.wide_deep.corpus import Corpus
from training.wide_deep.features import frequent_features, presence
from training.wide_deep.linear import fit_linear, log_count_ratios
from training.wide_deep.texts import Texts

Ints = NDArray[np.int64]

MIN_TEXTS = 4
"""An n-gram is in at least so many texts."""
STRENGTH = 0.05
"""Inverse of the L2 penalty of the linear fit."""
ITERATIONS = 25
"""It only chooses, so that a rough fit will do."""


def choose_ngrams(recipe: NetworkRecipe, texts: Texts) -> Ints:
    """Choose the n-grams whose weights in a linear fit change most answers most.

    Args:
        recipe: how many.
        texts: labelled by people.

    Returns:
        Their keys, int64[n], rising.
    """
    corpus = Corpus(texts.token_ids)
    features = frequent_features(corpus, recipe.num_words, recipe.max_order, MIN_TEXTS)
    at, total = features.at(corpus, recipe.num_words), features.bounds[-1]
    print(f"{total:,} n-grams are in at least {MIN_TEXTS} of {len(texts.token_ids):,} texts")
    matrix = presence(at, corpus.starts, corpus.lengths, total)
    ratios = log_count_ratios(matrix, texts.targets)
    tempered = np.sign(ratios) * np.abs(ratios) ** recipe.crop_power
    weights = fit_linear(matrix, texts.targets, tempered, STRENGTH, ITERATIONS).weights
    worth = np.asarray(matrix.sum(axis=0)).ravel() * weights**2
    worth[: features.bounds[1]] = -1  # words have weights anyway
    best = np.argsort(-worth, kind="stable")[: recipe.max_ngrams]
    keys = np.concatenate(features.keys)[best[worth[best] > 0]]
    return np.sort(keys)
