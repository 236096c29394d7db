"""The n-grams that are often enough to be counted, and which of them each text has."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from training.wide_deep.corpus import Corpus, Ints

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Features:
    """N-grams that the wide path may hold weights of: words, bigrams, and so on; a feature is one of them.

    Attributes:
        keys: of each order, int64[n], rising; features are numbered through them.
    """

    keys: tuple[Ints, ...]

    @property
    def ngrams(self) -> Ints:
        """The keys of the n-grams of two ids and more, int64[n], rising."""
        return np.sort(np.concatenate(self.keys[1:]))

    @property
    def bounds(self) -> list[int]:
        """Where the features of each order begin, and where the last ends."""
        return [0, *np.cumsum([len(keys) for keys in self.keys]).tolist()]

    @property
    def orders(self) -> Ints:
        """Of each feature its order less one, int64[features]."""
        return np.repeat(np.arange(len(self.keys)), [len(keys) for keys in self.keys])

    def at(self, corpus: Corpus, num_words: int) -> list[Ints]:
        """Find the feature that begins at each id of a corpus, int64[ids] for each order; -1 for none."""
        found = []
        texts_keys = corpus.ngram_keys(len(self.keys), num_words)
        for first, keys, here in zip(self.bounds[:-1], self.keys, texts_keys, strict=True):
            place = np.minimum(np.searchsorted(keys, here), len(keys) - 1)
            found.append(np.where(keys[place] == here, place + first, -1) if len(keys) else np.full(len(here), -1))
        return found

    def kept(self, wanted: NDArray[np.bool_]) -> "Features":
        """Only those features that are wanted, bool[features]."""
        return Features(
            tuple(
                keys[wanted[first:end]]
                for keys, first, end in zip(self.keys, self.bounds[:-1], self.bounds[1:], strict=True)
            )
        )


def frequent_features(corpus: Corpus, num_words: int, max_order: int, min_texts: int) -> Features:
    """Those in at least so many texts."""
    kept = []
    for keys in corpus.ngram_keys(max_order, num_words):
        known = keys >= 0
        unique, number = np.unique(keys[known], return_inverse=True)
        in_texts = np.unique(number * len(corpus.lengths) + corpus.text_of[known]) // len(corpus.lengths)
        kept.append(unique[np.bincount(in_texts, minlength=len(unique)) >= min_texts])
    return Features(tuple(kept))


def presence(at: Sequence[Ints], begins: Ints, lengths: Ints, features: int) -> sp.csr_matrix:
    """1 where a part of a corpus has a feature: float32[parts, features], sparse.

    Args:
        at: as `Features.at` gives it.
        begins: of each part in the corpus.
        lengths: of each part.
        features: how many there are.
    """
    rows, columns = [], []
    for order, found in enumerate(at):
        whole = np.maximum(lengths - order, 0)  # n-grams that end in the part
        row = np.repeat(np.arange(len(begins), dtype=np.int32), whole)
        column = found[np.arange(whole.sum()) - np.repeat(np.cumsum(whole) - whole, whole) + begins[row]]
        rows.append(row[column >= 0])
        columns.append(column[column >= 0].astype(np.int32))
    row, column = np.concatenate(rows), np.concatenate(columns)
    matrix = sp.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=(len(begins), features))
    matrix.data[:] = 1
    return matrix
