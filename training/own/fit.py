"""Fit n-gram weights: a logistic regression whose strength, calibration and threshold come from held-out texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss

from training.own.ngrams import TokenIds, ngram_counts
from training.own.recipe import OwnRecipe
from training.own.split import folds
from training.wide_deep.corpus import Corpus
from training.wide_deep.features import Features, Floats, frequent_features
from training.wide_deep.linear import log_count_ratios

BALANCED = 0.4
"""Share of the rarer label from which the threshold stays at 0.5."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class NgramModel:
    """Hold a fitted model: logit = counts @ weights + base_weight * base_logit + bias.

    Attributes:
        features: the n-grams.
        weights: float64[features].
        bias: added to their sum.
        num_words: above every token id.
        base_weight: of the logit of the model that training started from.
    """

    features: Features
    weights: Floats
    bias: float
    num_words: int
    base_weight: float = 0.0

    def probabilities(self, token_ids: TokenIds, base_logits: Floats | None = None) -> NDArray[np.float32]:
        """Return the probability of the positive label of each text, float32[n].

        Args:
            token_ids: of each text.
            base_logits: of each text by the model that training started from, float64[n].
        """
        logits = ngram_counts(self.features, token_ids, self.num_words) @ self.weights + self.bias
        if base_logits is not None:
            logits = logits + self.base_weight * base_logits
        probabilities: NDArray[np.float32] = expit(logits).astype(np.float32)
        return probabilities


@dataclass(frozen=True)
class Fitted:
    """Hold what fitting gives.

    Attributes:
        model: fitted on all training texts, calibrated.
        strength: inverse of its L2 penalty.
        threshold: from which on a probability is the positive label.
        probabilities: of the training texts, each from a model fitted on other folds; float64[n].
    """

    model: NgramModel
    strength: float
    threshold: float
    probabilities: Floats


def fit_ngrams(
    recipe: OwnRecipe,
    token_ids: TokenIds,
    labels: Ints,
    groups: Sequence[str] | None,
    num_words: int,
    base_logits: Floats | None = None,
) -> Fitted:
    """Fit the weights of n-grams.

    Every training text gets a logit from models fitted on the other folds. These logits choose the strength of the
    regression and give its calibration and its threshold.

    Args:
        recipe: all choices.
        token_ids: of the training texts, the start id first.
        labels: theirs, int64[n].
        groups: of the texts, or None; a group is never on both sides of a fold.
        num_words: above every token id.
        base_logits: of each text by the model that training starts from, float64[n]; they are one more feature, whose
            weight is fitted with those of the n-grams.

    Source of the calibration: Platt, "Probabilistic Outputs for Support Vector Machines", 1999.
    """
    corpus = Corpus([ids.astype(np.int64) for ids in token_ids])
    features = frequent_features(corpus, num_words, recipe.max_order, recipe.min_texts)
    counts = ngram_counts(features, token_ids, num_words)
    base = sp.csr_matrix((len(labels), 0) if base_logits is None else base_logits[:, None])
    parts = folds(labels, groups, recipe.seed)
    tried = {}
    for strength in recipe.strengths:
        logits = np.zeros(len(labels))
        for others, own in parts:
            weights, base_weights, bias = _regression(counts[others], base[others], labels[others], strength)
            logits[own] = counts[own] @ weights + base[own] @ base_weights + bias
        scale, shift = _calibration(logits, labels)
        probabilities = expit(scale * logits + shift)
        tried[strength] = (float(log_loss(labels, probabilities)), scale, shift, probabilities)
    strength = min(tried, key=lambda each: tried[each][0])
    _, scale, shift, probabilities = tried[strength]
    weights, base_weights, bias = _regression(counts, base, labels, strength)
    base_weight = scale * float(base_weights.sum())
    model = NgramModel(features, weights * scale, bias * scale + shift, num_words, base_weight)
    return Fitted(model, strength, best_threshold(probabilities, labels), probabilities)


def best_threshold(probabilities: Floats, labels: Ints) -> float:
    """Return 0.5 for balanced labels, or else the threshold with the largest mean F1 of both labels."""
    share = float(labels.mean())
    if BALANCED <= share <= 1 - BALANCED:
        return 0.5
    candidates = np.round(np.arange(0.05, 0.951, 0.01), 2)
    scores = [f1_score(labels, probabilities >= each, average="macro") for each in candidates]
    return float(candidates[int(np.argmax(scores))])


def _regression(
    counts: sp.csr_matrix, base: sp.csr_matrix, labels: Ints, strength: float
) -> tuple[Floats, Floats, float]:
    """Fit weights float64[features], those of the base's logits and a bias, both labels weighted to count alike."""
    ratios = log_count_ratios((counts > 0).astype(np.float64), labels)
    regression = LogisticRegression(C=strength, class_weight="balanced", solver="liblinear", random_state=0)
    regression.fit(sp.hstack([counts @ sp.diags(ratios), base], format="csr"), labels)
    weights = regression.coef_[0]
    return weights[: len(ratios)] * ratios, weights[len(ratios) :], float(regression.intercept_[0])


def _calibration(logits: Floats, labels: Ints) -> tuple[float, float]:
    """Fit the scale and the shift that make held-out logits calibrated."""
    regression = LogisticRegression(C=1e3).fit(logits[:, None], labels)
    return float(regression.coef_[0, 0]), float(regression.intercept_[0])
