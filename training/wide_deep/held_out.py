"""Select the training reviews that are held out, to judge a recipe."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from training.wide_deep.corpus import Corpus, Ints

SPLIT_SEED = 113
BLOCKS = 25
"""Parts of the reviews of a label, those of one film in one of them."""
ALIKE_SHARE = 0.15
"""Of the reviews that are not held out, those left out for being most like one that is."""
RARE = 0.01
"""A word in a smaller share of the reviews tells of what a review is."""


def held_out_split(validation_share: float, reviews: int) -> tuple[Ints, Ints]:
    """Select reviews to fit and to hold out by chance; the same for every seed.

    Args:
        validation_share: of the reviews.
        reviews: how many there are.
    """
    order = np.random.default_rng(SPLIT_SEED).permutation(reviews)
    held_out, fitted = np.split(order, [round(validation_share * reviews)])
    return np.sort(fitted), np.sort(held_out)


def held_out_films(
    validation_share: float, corpus: Corpus, labels: NDArray[np.int64], films: Ints
) -> tuple[Ints, Ints]:
    """Select reviews to fit and to hold out with no film on both sides, as in the test set.

    The order of reviews tells the films of one label. Which reviews of the other label are of the same films, their
    names and places tell: those most like what is held out are neither fitted nor held out.

    Args:
        validation_share: of the reviews.
        corpus: the reviews.
        labels: theirs, int64[n].
        films: an order in which those of one label and film follow each other, int64[n].
    """
    chosen = np.random.default_rng(SPLIT_SEED).permutation(BLOCKS)[: round(BLOCKS * validation_share)]
    held_out = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(films[rows])]
        held_out[rows] = np.isin(np.arange(len(rows)) * BLOCKS // len(rows), chosen)
    others, held = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    likeness = _likeness(corpus, others, held)
    alike = np.argsort(-likeness, kind="stable")[: round(len(others) * ALIKE_SHARE)]
    return np.delete(others, alike), held


def _likeness(corpus: Corpus, others: Ints, held_out: Ints) -> NDArray[np.float32]:
    """Compute how like each review is to the most similar one of those held out, float32[others].

    It is the cosine of their rare words, by the logarithm of how rare they are.
    """
    words = np.unique(corpus.text_of * (corpus.token_ids.max() + 1) + corpus.token_ids)
    text, word = np.divmod(words, corpus.token_ids.max() + 1)
    reviews = len(corpus.lengths)
    in_reviews = np.bincount(word)
    rarity = np.where(in_reviews <= RARE * reviews, np.log(reviews / np.maximum(in_reviews, 1)), 0).astype(np.float32)
    rarity[in_reviews < 2] = 0
    vectors = sp.csr_matrix((rarity[word], (text, word)))
    lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    vectors = (sp.diags(1 / np.maximum(lengths, 1e-9)) @ vectors).tocsr()
    nearest = (vectors[others] @ vectors[held_out].T).max(axis=1)
    return np.asarray(nearest.todense(), np.float32).ravel()
