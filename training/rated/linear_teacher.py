"""A teacher of its own kind: a regression on n-grams of characters, of labels and of ratings taken for labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.rated.sources import RatedSources
from training.wide_deep.corpus import Corpus
from training.wide_deep.features import frequent_features, presence
from training.wide_deep.linear import fit_linear, log_count_ratios

Ints = NDArray[np.int64]

MOST_NEGATIVE, LEAST_POSITIVE = 5, 9
"""Ratings up to the first are taken for negative, from the second on for positive; of these as many as of those."""
MAX_ORDER = 5
MIN_TEXTS = 3
STRENGTH = 0.1
"""Inverse of the L2 penalty."""
POWER = 0.7
"""That tempers the log-count ratios which the regression starts from."""
ITERATIONS = 60
PART = 50_000
"""Texts whose n-grams are looked up at once."""


def linear_answers(sources: RatedSources, token_ids: Sequence[Ints], num_words: int, seed: int) -> NDArray[np.float32]:
    """Fit the regression, and compute the logit of every text, float32[texts].

    Args:
        sources: texts, labels and ratings. What is held out is not learnt from.
        token_ids: characters of each text.
        num_words: above every token id.
        seed: which positive reviews are taken.
    """
    labelled, ratings = len(sources.labelled.texts), sources.rated.ratings[sources.unlike]
    negative = sources.unlike[ratings <= MOST_NEGATIVE]
    positive = np.random.default_rng(seed).permutation(sources.unlike[ratings >= LEAST_POSITIVE])[: len(negative)]
    rows = np.concatenate([sources.fitted, labelled + negative, labelled + positive])
    targets = np.repeat([0, 1], [len(negative), len(positive)])
    labels = np.concatenate([sources.labelled.labels[sources.fitted], targets])
    corpus = Corpus([token_ids[row] for row in rows.tolist()])
    features = frequent_features(corpus, num_words, MAX_ORDER, MIN_TEXTS)
    total = features.bounds[-1]
    matrix = presence(features.at(corpus, num_words), corpus.starts, corpus.lengths, total)
    ratios = log_count_ratios(matrix, labels)
    tempered = np.sign(ratios) * np.abs(ratios) ** POWER
    fitted = fit_linear(matrix, labels, tempered, STRENGTH, ITERATIONS)
    logits = []
    for first in range(0, len(token_ids), PART):
        part = Corpus(token_ids[first : first + PART])
        found = presence(features.at(part, num_words), part.starts, part.lengths, total)
        logits.append(found @ fitted.weights + fitted.bias)
    return np.concatenate(logits).astype(np.float32)
