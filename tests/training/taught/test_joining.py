"""Joining scores by the length of the text: by hand, and fitted to labels that known numbers have made."""

from math import log

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from training.taught.joining import fit_joining, joined_logits

Floats = NDArray[np.float64]
NUMBERS = np.array([[0.8, 0.3, -0.1], [1.5, -0.4, 0.2], [-0.3, 0.25, 0.1]])


def random_texts(count: int, seed: int = 1) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Scores, lengths, and labels that `NUMBERS` make of them."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, 1.5, (count, 2))
    ids = np.exp(random.uniform(np.log(4), np.log(800), count)).astype(np.int64)
    labels = (random.random(count) < expit(joined_logits(NUMBERS, scores, ids))).astype(np.int64)
    return scores, ids, labels


def log_loss(logits: Floats, labels: NDArray[np.int64]) -> float:
    return float(np.logaddexp(0, (1 - 2 * labels) * logits).mean())


def test_logits_are_sums_of_scores_that_count_by_the_length() -> None:
    scores = np.array([[2.0, -1.0], [2.0, -1.0]])
    u = log(2)
    by_hand = [
        2 * 0.8 - 1 * 1.5 - 0.3,
        2 * (0.8 + 0.3 * u - 0.1 * u * u) - (1.5 - 0.4 * u + 0.2 * u * u) + (-0.3 + 0.25 * u + 0.1 * u * u),
    ]
    np.testing.assert_allclose(joined_logits(NUMBERS, scores, np.array([30, 60])), by_hand)


def test_known_numbers_are_recovered() -> None:
    scores, ids, labels = random_texts(40_000)
    numbers = fit_joining(scores, ids, labels, np.ones(len(labels)))
    np.testing.assert_allclose(numbers, NUMBERS, atol=0.12)


def test_what_is_fitted_has_less_log_loss_than_any_one_score() -> None:
    scores, ids, labels = random_texts(5_000)
    numbers = fit_joining(scores, ids, labels, np.ones(len(labels)))
    fitted = log_loss(joined_logits(numbers, scores, ids), labels)
    assert fitted < min(log_loss(scores[:, 0], labels), log_loss(scores[:, 1], labels), log(2)) - 0.02
    assert fitted <= log_loss(joined_logits(NUMBERS, scores, ids), labels) + 1e-4  # these are not better on these texts


def test_a_text_of_weight_3_counts_as_three_texts() -> None:
    scores, ids, labels = random_texts(600)
    threefold = np.repeat(np.arange(600), np.where(np.arange(600) < 200, 3, 1))
    weighted = fit_joining(scores, ids, labels, np.where(np.arange(600) < 200, 3.0, 1.0))
    repeated = fit_joining(scores[threefold], ids[threefold], labels[threefold], np.ones(len(threefold)))
    np.testing.assert_allclose(joined_logits(weighted, scores, ids), joined_logits(repeated, scores, ids), atol=0.02)


@pytest.mark.parametrize("length", [1, 20, 23, 30, 77, 800])
def test_texts_of_one_length_are_joined_as_by_a_plain_regression(length: int) -> None:
    scores, _, labels = random_texts(500)
    ids = np.full(500, length)
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        numbers = fit_joining(scores, ids, labels, np.ones(500))
    logits = joined_logits(numbers, scores, ids)
    plain = LogisticRegression(C=1e4).fit(scores, labels)
    assert log_loss(logits, labels) == pytest.approx(log_loss(plain.decision_function(scores), labels), abs=1e-3)
    nearby = joined_logits(numbers, scores, ids + 1)
    np.testing.assert_allclose(nearby, logits, atol=2)
