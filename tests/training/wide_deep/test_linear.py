"""Log-count ratios by hand, and the regression against scikit-learn's."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from training.wide_deep.linear import fit_linear, log_count_ratios

LABELS = np.array([1, 1, 0, 0, 0])
PRESENCE = sp.csr_matrix(np.array([[1, 0, 1], [1, 0, 0], [0, 1, 1], [0, 1, 0], [1, 0, 0]], np.float32))


def test_ratios_are_those_of_smoothed_counts() -> None:
    positive = np.array([2 + 1, 0 + 1, 1 + 1]) / 6
    negative = np.array([1 + 1, 2 + 1, 1 + 1]) / 7
    np.testing.assert_allclose(log_count_ratios(PRESENCE, LABELS), np.log(positive / negative))


def random_texts() -> tuple[sp.csr_matrix, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    random = np.random.default_rng(6)
    presence = random.random((400, 30)) < random.uniform(0.05, 0.5, 30)
    logits = presence @ random.normal(0, 1, 30) + 0.7
    return sp.csr_matrix(presence.astype(np.float32)), (random.random(400) < 1 / (1 + np.exp(-logits))).astype(np.int64)


@pytest.mark.parametrize("strength", [0.05, 1.0, 20.0])
def test_the_regression_is_scikit_learns_on_features_that_count_for_their_ratios(strength: float) -> None:
    presence, labels = random_texts()
    ratios = log_count_ratios(presence, labels)
    fitted = fit_linear(presence, labels, ratios, strength)
    reference = LogisticRegression(C=strength, tol=1e-8, max_iter=2_000).fit(presence.toarray() * ratios, labels)
    np.testing.assert_allclose(fitted.weights, reference.coef_[0] * ratios, atol=0.01)
    assert fitted.bias == pytest.approx(reference.intercept_[0], abs=0.01)


def test_a_feature_that_tells_nothing_has_no_weight() -> None:
    presence, labels = random_texts()
    ratios = log_count_ratios(presence, labels)
    ratios[4] = 0
    assert fit_linear(presence, labels, ratios, 1.0).weights[4] == 0
