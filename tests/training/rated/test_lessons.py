"""Targets and weights by labels, ratings and the teacher."""

from dataclasses import replace

import numpy as np
from scipy.special import expit

from tests.training.rated.conftest import TINY_RATED
from training.rated.lessons import labelled_texts, rated_texts

RECIPE = replace(TINY_RATED, teacher_share=0.25, rated_weight=0.5, negative_weight=2.0, positive_weight=0.6)


def test_labels_are_softened_by_the_teacher() -> None:
    logits = np.array([0.0, -3.0], np.float32)
    texts = labelled_texts(RECIPE, [np.array([1]), np.array([1, 5])], np.array([1, 0]), logits)
    np.testing.assert_allclose(texts.targets, [0.75 + 0.25 * 0.5, 0.25 * expit(-3)], rtol=1e-6)
    assert texts.weights.tolist() == [1, 1]


def test_ratings_that_the_corpus_labels_tell_the_target_and_the_teacher_the_others() -> None:
    ratings, logits = np.array([1, 4, 5, 8, 9, 10]), np.array([0.0, 0, -1, 2, 0, 0], np.float32)
    texts = rated_texts(RECIPE, [np.array([1])] * 6, ratings, logits)
    expected = [0.125, 0.125, expit(-1), expit(2), 0.875, 0.875]
    np.testing.assert_allclose(texts.targets, expected, rtol=1e-6)
    np.testing.assert_allclose(texts.weights, [1, 1, 1, 0.3, 0.3, 0.3], rtol=1e-6)
