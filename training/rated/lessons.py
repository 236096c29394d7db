"""Give each text its target and its weight: by people's labels and ratings, and by the teacher."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from training.recipes import RatedRecipe
from training.wide_deep.texts import Ints, Texts, weighted

MOST_NEGATIVE, LEAST_POSITIVE = 4, 9
"""Ratings up to the first are labelled negative in the corpus, from the second on positive; others are left out."""


def labelled_texts(recipe: RatedRecipe, token_ids: list[Ints], labels: Ints, logits: NDArray[np.float32]) -> Texts:
    """Give labelled reviews their targets.

    Args:
        recipe: how much the teacher counts.
        token_ids: of each.
        labels: of each, int64[n].
        logits: of the teacher, float32[n].
    """
    return weighted(token_ids, _softened(recipe, labels, logits), 1.0)


def rated_texts(recipe: RatedRecipe, token_ids: list[Ints], ratings: Ints, logits: NDArray[np.float32]) -> Texts:
    """Give reviews with ratings their targets: the label that the rating stands for, or else the teacher's answer.

    Few of them are negative; those count for more, so that the network does not learn that reviews are positive.

    Args:
        recipe: weights, and how much the teacher counts.
        token_ids: of each.
        ratings: of each, int64[n].
        logits: of the teacher, float32[n].
    """
    told = (ratings <= MOST_NEGATIVE) | (ratings >= LEAST_POSITIVE)
    targets = np.where(told, _softened(recipe, ratings >= LEAST_POSITIVE, logits), expit(logits))
    weights = recipe.rated_weight * np.where(targets < 0.5, recipe.negative_weight, recipe.positive_weight)
    return Texts(token_ids, targets.astype(np.float32), weights.astype(np.float32))


def _softened(
    recipe: RatedRecipe, labels: NDArray[np.integer | np.bool_], logits: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Mix labels with the teacher's answers."""
    return np.asarray(recipe.teacher_share * expit(logits) + (1 - recipe.teacher_share) * labels, np.float64)
