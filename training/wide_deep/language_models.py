"""What the language of positive and of negative texts makes of an n-gram."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.wide_deep.corpus import Ints
from training.wide_deep.features import Features, Floats


def language_model_ratios(
    features: Features,
    at: Sequence[Ints],
    labels: NDArray[np.int64],
    priors: Sequence[float],
    num_words: int,
) -> tuple[Floats, Floats]:
    """Compute what each n-gram adds to log P(last word | words before, positive) - log P(the same, negative).

    There is a language model of each class. An order backs off to the one below by a Dirichlet prior: a word has its
    ratio of frequencies; a bigram what knowing the word before changes; a trigram what the one before that changes.

    Args:
        features: the n-grams.
        at: as `Features.at` gives it.
        labels: of each id's text, int64[ids].
        priors: words that the prior counts for, of bigrams, of trigrams, and so on.
        num_words: above every id.

    Returns:
        The ratios, float64[features], and how often each feature occurs, float64[features].

    Source: MacKay and Peto, "A Hierarchical Dirichlet Language Model", 1995; Mesnil et al., "Ensemble of Generative and
    Discriminative Techniques for Sentiment Analysis of Movie Reviews", 2014, for language models as classifiers.
    """
    total = features.bounds[-1]
    counts = np.stack(
        [sum(np.bincount(found[(found >= 0) & (labels == label)], minlength=total) for found in at) for label in (0, 1)]
    ).astype(np.float64)
    words = counts[:, : features.bounds[1]] + 1
    chances = words / words.sum(axis=1, keepdims=True)  # of the order below, [class, n-grams]
    below = np.log(chances[1] / chances[0])
    ratios = [below]
    for order in range(1, len(features.keys)):
        keys, shorter = features.keys[order], features.keys[order - 1]
        first, lower = features.bounds[order], features.bounds[order - 1]
        # A frequent n-gram's parts are frequent, so they are features as well.
        before = np.searchsorted(shorter, keys // num_words)
        without_first = np.searchsorted(shorter, keys % num_words**order)
        occurrences = counts[:, first : first + len(keys)]
        prior = priors[order - 1]
        chances = (occurrences + prior * chances[:, without_first]) / (counts[:, lower + before] + prior)
        here = np.log(chances[1] / chances[0])
        ratios.append(here - below[without_first])
        below = here
    return np.concatenate(ratios), counts.sum(axis=0)
