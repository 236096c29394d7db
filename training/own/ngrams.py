"""Turn texts into counts of n-grams."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from training.wide_deep.corpus import Corpus
from training.wide_deep.features import Features

ROOT_OFFSET = 4.0
"""Token ids added to a text's own before the root of its length is taken, so that short texts are not too sure."""

TokenIds = Sequence[NDArray[np.integer]]


def ngram_counts(features: Features, token_ids: TokenIds, num_words: int) -> sp.csr_matrix:
    """Count the n-grams of each text, divided by the root of the text's length: float64[texts, features], sparse.

    Args:
        features: n-grams that are counted.
        token_ids: of each text, the start id first.
        num_words: above every token id.
    """
    corpus = Corpus([ids.astype(np.int64) for ids in token_ids])
    found = features.at(corpus, num_words)
    columns, rows = np.concatenate(found), np.tile(corpus.text_of, len(found))
    known = columns >= 0
    roots = np.sqrt(corpus.lengths + ROOT_OFFSET)
    shape = (len(token_ids), features.bounds[-1])
    return sp.csr_matrix((1 / roots[rows[known]], (rows[known], columns[known])), shape=shape)
