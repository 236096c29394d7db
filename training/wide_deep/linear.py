"""Logistic regressions on which n-grams a text has, each scaled by its naive-Bayes log-count ratio."""

from dataclasses import dataclass

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


def log_count_ratios(presence: sp.csr_matrix, labels: NDArray[np.int64]) -> Floats:
    """How much more often positive texts have each feature than negative ones: float64[features].

    Source: Wang and Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", ACL 2012.
    """
    positive, negative = (np.asarray(presence[labels == label].sum(axis=0), np.float64).ravel() + 1 for label in (1, 0))
    ratios: Floats = np.log(positive / positive.sum()) - np.log(negative / negative.sum())
    return ratios


def fit_linear(presence: sp.csr_matrix, labels: NDArray[np.int64], ratios: Floats, strength: float) -> Linear:
    """The logistic regression on features that count for their ratios.

    Args:
        presence: 1 where a text has a feature, [texts, features].
        labels: int64[texts].
        ratios: float64[features].
        strength: inverse of the L2 penalty.
    """
    scale, by_feature = ratios.astype(np.float32), presence.T.tocsr()

    def loss(values: Floats) -> tuple[float, Floats]:
        logits = presence @ (values[:-1].astype(np.float32) * scale) + np.float32(values[-1])
        residual = expit(logits) - labels
        total = np.logaddexp(0, logits).sum(dtype=float) - (labels * logits).sum(dtype=float)
        gradient = scale * (by_feature @ residual.astype(np.float32)) + values[:-1] / strength
        penalty = values[:-1] @ values[:-1] / (2 * strength)
        return float(total + penalty), np.append(gradient, residual.sum(dtype=float))

    options = {"maxiter": ITERATIONS, "maxcor": 10, "ftol": 1e-7}
    values = minimize(loss, np.zeros(len(ratios) + 1), jac=True, method="L-BFGS-B", options=options).x
    return Linear(values[:-1] * ratios, float(values[-1]))
