"""Models of n-grams, of labels and of ratings taken for labels."""

import numpy as np

from tests.training.conftest import opinions
from tests.training.rated.conftest import TINY_RATED
from training.rated.models import fit_models, told_reviews
from training.wide_deep.corpus import Corpus


def test_ratings_are_taken_for_labels_and_as_many_of_both_are_balanced() -> None:
    labelled, rated = ([np.array([row]) for row in rows] for rows in (range(2), range(10, 18)))
    told = told_reviews(labelled, np.array([1, 0]), rated, np.array([10, 9, 5, 10, 1, 6, 9, 8]), seed=1)
    assert sorted(int(ids[0]) for ids in told.token_ids) == [0, 1, 10, 11, 12, 13, 14, 16]
    expected = {0: 1, 1: 0, 10: 1, 11: 1, 12: 0, 13: 1, 14: 0, 16: 1}
    assert {int(ids[0]): int(label) for ids, label in zip(told.token_ids, told.labels, strict=True)} == expected
    balanced = [int(told.token_ids[row][0]) for row in told.balanced]
    assert {0, 1, 12, 14} < set(balanced)
    assert told.labels[told.balanced].tolist().count(1) == told.labels[told.balanced].tolist().count(0) == 3


def test_labelled_reviews_alone_are_all_used() -> None:
    told = told_reviews([np.array([1]), np.array([2])], np.array([1, 0]))
    assert told.balanced.tolist() == [0, 1]
    assert told.labels.tolist() == [1, 0]


def test_regressions_have_the_first_columns_and_each_order_has_one_of_its_own() -> None:
    texts = opinions(120, 1)
    told = told_reviews(texts.token_ids, texts.targets.astype(np.int64))
    recipe = TINY_RATED
    models, counts = fit_models(recipe, told)
    assert models.weights.shape == (models.features.bounds[-1], len(recipe.strengths) + recipe.max_order)
    assert len(counts) == models.features.bounds[-1]
    scores = models.scores(Corpus(texts.token_ids), recipe.num_words)
    assert np.mean((scores[:, 0] > 0) == told.labels) > 0.9
    assert np.abs(models.weights[:, 0]).sum() > np.abs(models.weights[:, 1]).sum()  # the stricter one
    for order in range(recipe.max_order):
        assert not models.weights[models.features.orders != order, len(recipe.strengths) + order].any()
