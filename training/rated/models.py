"""Models of n-grams of characters: regressions, and language models of negative and of positive reviews."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.recipes import RatedRecipe
from training.wide_deep.corpus import Corpus
from training.wide_deep.features import Features, Floats, frequent_features, presence
from training.wide_deep.language_models import language_model_ratios
from training.wide_deep.linear import Linear, fit_linear, log_count_ratios
from training.wide_deep.wide import Wide, by_order

Ints = NDArray[np.int64]

MOST_NEGATIVE, LEAST_POSITIVE = 5, 9
"""Ratings up to the first are taken for negative, from the second on for positive."""


@dataclass(frozen=True)
class Told:
    """Hold reviews whose label or rating tells whether they are positive.

    Attributes:
        token_ids: of each.
        labels: of each, int64[n].
        balanced: numbers of the labelled ones, of the negative ones with ratings and of as many positive ones.
    """

    token_ids: list[Ints]
    labels: Ints
    balanced: Ints


def told_reviews(
    token_ids: Sequence[Ints], labels: Ints, rated: Sequence[Ints] = (), ratings: Ints | None = None, seed: int = 0
) -> Told:
    """Put reviews with labels and with ratings together.

    Args:
        token_ids: of the labelled reviews.
        labels: theirs.
        rated: token ids of the reviews with ratings.
        ratings: theirs.
        seed: which positive ones are among as many.
    """
    if ratings is None:
        return Told(list(token_ids), labels, np.arange(len(labels)))
    negative, positive = np.flatnonzero(ratings <= MOST_NEGATIVE), np.flatnonzero(ratings >= LEAST_POSITIVE)
    positive = np.random.default_rng(seed).permutation(positive)
    rows = np.concatenate([negative, positive])
    told = [*token_ids, *(rated[row] for row in rows.tolist())]
    targets = np.repeat([0, 1], [len(negative), len(positive)])
    balanced = np.arange(min(len(told), len(labels) + 2 * len(negative)))
    return Told(told, np.concatenate([labels, targets]), balanced)


def fit_models(recipe: RatedRecipe, told: Told) -> tuple[Wide, Floats]:
    """Fit the models.

    Args:
        recipe: all choices.
        told: reviews to learn from.

    Returns:
        The models, the regressions' columns first; and how often each n-gram occurs, float64[features].
    """
    corpus = Corpus(told.token_ids)
    features = frequent_features(corpus, recipe.num_words, recipe.max_order, recipe.min_texts)
    at = features.at(corpus, recipe.num_words)
    print(f"{features.bounds[-1]:,} n-grams are in at least {recipe.min_texts} of {len(told.labels):,} reviews")
    regressions = fit_regressions(recipe, told, corpus, features, at, recipe.strengths)
    language, counts = language_model_ratios(features, at, told.labels[corpus.text_of], recipe.priors, recipe.num_words)
    weights = np.column_stack([*(fitted.weights for fitted in regressions), by_order(features, language)])
    biases = np.array([*(fitted.bias for fitted in regressions), *[0.0] * recipe.max_order])
    return Wide(features, weights, biases), counts


def fit_regressions(
    recipe: RatedRecipe, told: Told, corpus: Corpus, features: Features, at: Sequence[Ints], strengths: Sequence[float]
) -> list[Linear]:
    """Fit logistic regressions on which n-grams a review has, with as many negative as positive ones.

    Args:
        recipe: all choices.
        told: reviews to learn from.
        corpus: of them.
        features: the n-grams.
        at: as `Features.at` gives it.
        strengths: inverse of the L2 penalty of each.
    """
    rows, labels = told.balanced, told.labels[told.balanced]
    matrix = presence(at, corpus.starts[rows], corpus.lengths[rows], features.bounds[-1])
    ratios = log_count_ratios(matrix, labels)
    tempered = np.sign(ratios) * np.abs(ratios) ** recipe.crop_power
    return [fit_linear(matrix, labels, tempered, strength) for strength in strengths]
