"""How the scores of the paths become one logit, by the length of the text: numbers fitted on held-out reviews."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from training.wide_deep.lengths import length_powers

PENALTY = 1e-5

Floats = NDArray[np.float64]


def joined_logits(numbers: Floats, scores: Floats, ids: NDArray[np.int64]) -> Floats:
    """Compute the logits of texts, float64[n].

    Args:
        numbers: [scores + 1, 3]: what the powers of the length make of each score, and of nothing.
        scores: of the paths, [n, scores].
        ids: token ids of each text.
    """
    logits: Floats = _terms(scores, ids) @ numbers.ravel()
    return logits


def fit_joining(scores: Floats, ids: NDArray[np.int64], labels: NDArray[np.int64], weights: Floats) -> Floats:
    """Fit the numbers for `joined_logits`, [scores + 1, 3], by the least log loss; the problem is convex.

    Args:
        scores: of held-out texts, [n, scores].
        ids: token ids of each.
        labels: of each.
        weights: how much each counts.
    """
    terms = _terms(scores, ids)
    sizes = terms.std(axis=0)
    sizes[sizes <= 1e-9 * np.abs(terms).max(axis=0)] = 1  # the constant, and powers where all lengths are alike
    terms = terms / sizes
    signs = 2 * labels - 1

    def loss(numbers: Floats) -> tuple[float, Floats]:
        margins = signs * (terms @ numbers)
        gradient = -(terms.T @ (weights * signs * expit(-margins))) / weights.sum()
        penalty = PENALTY * (numbers @ numbers)
        return float((weights * np.logaddexp(0, -margins)).sum() / weights.sum() + penalty), gradient + (
            2 * PENALTY * numbers
        )

    result = minimize(loss, np.zeros(terms.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    numbers: Floats = (result.x / sizes).reshape(-1, 3)
    return numbers


def _terms(scores: Floats, ids: NDArray[np.int64]) -> Floats:
    """Every score, and 1, times every power of the length: [n, 3 * (scores + 1)]."""
    scored = np.column_stack([scores, np.ones(len(scores))])
    return (scored[:, :, None] * length_powers(ids)[:, None]).reshape(len(scores), -1)
