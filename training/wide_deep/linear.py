"""Logistic regressions on which n-grams a text has, each scaled by its naive-Bayes log-count ratio."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

ITERATIONS = 80

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Linear:
    """Weights of features, float64[features], and the bias of their sum."""

    weights: Floats
    bias: float


def log_count_ratios(presence: sp.csr_matrix, labels: NDArray[np.number[Any]]) -> Floats:
    """Compute how much more often positive texts have each feature than negative ones: float64[features].

    Source: Wang and Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", ACL 2012.
    """
    targets = np.asarray(labels, np.float64)
    positive, negative = (presence.T @ counted + 1 for counted in (targets, 1 - targets))
    ratios: Floats = np.log(positive / positive.sum()) - np.log(negative / negative.sum())
    return ratios


def fit_linear(
    presence: sp.csr_matrix,
    labels: NDArray[np.number[Any]],
    ratios: Floats,
    strength: float,
    iterations: int = ITERATIONS,
) -> Linear:
    """Fit a logistic regression on features that count for their ratios.

    Args:
        presence: 1 where a text has a feature, [texts, features].
        labels: of the texts, or their probabilities of 1, [texts].
        ratios: float64[features].
        strength: inverse of the L2 penalty.
        iterations: at most.
    """
    scale, by_feature = ratios.astype(np.float32), presence.T.tocsr()

    def loss(values: Floats) -> tuple[float, Floats]:
        logits = presence @ (values[:-1].astype(np.float32) * scale) + np.float32(values[-1])
        residual = expit(logits) - labels
        total = np.logaddexp(0, logits).sum(dtype=float) - (labels * logits).sum(dtype=float)
        gradient = scale * (by_feature @ residual.astype(np.float32)) + values[:-1] / strength
        penalty = values[:-1] @ values[:-1] / (2 * strength)
        return float(total + penalty), np.append(gradient, residual.sum(dtype=float))

    options = {"maxiter": iterations, "maxcor": 10, "ftol": 1e-7}
    values = minimize(loss, np.zeros(len(ratios) + 1), jac=True, method="L-BFGS-B", options=options).x
    return Linear(values[:-1] * ratios, float(values[-1]))
