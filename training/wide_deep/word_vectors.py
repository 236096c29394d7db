"""Word vectors to begin with, made of which words stand near each other in the training reviews."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from training.wide_deep.corpus import SPECIAL_IDS, Corpus

CONTEXT_POWER = 0.75
"""Frequent neighbours count for less than their share."""
LENGTH = 0.8
"""Of a vector."""


def word_vectors(corpus: Corpus, num_words: int, dimension: int, window: int, seed: int) -> NDArray[np.float32]:
    """Make vectors float32[num_words, dimension] by the singular values of positive pointwise mutual information.

    Args:
        corpus: the texts.
        num_words: above every id.
        dimension: numbers of a vector.
        window: words on either side that count as near, the nearer the more.
        seed: of the vectors of words with no near ones.

    Source: Levy, Goldberg and Dagan, "Improving Distributional Similarity with Lessons Learned from Word Embeddings",
    TACL 2015.
    """
    ids, text_of = corpus.token_ids, corpus.text_of
    near = sp.csr_matrix((num_words, num_words), dtype=np.float32)
    for distance in range(1, window + 1):
        same = text_of[distance:] == text_of[:-distance]
        pairs = ids[:-distance][same], ids[distance:][same]
        near = near + sp.csr_matrix((np.full(same.sum(), 1 / distance, np.float32), pairs), shape=near.shape)
    near = (near + near.T).tocoo()
    frequency = np.bincount(near.row, near.data, num_words) + 1e-9
    context = frequency**CONTEXT_POWER
    information = np.log(near.data / frequency[near.row] / (context / context.sum())[near.col])
    kept = (information > 0) & (near.row >= SPECIAL_IDS) & (near.col >= SPECIAL_IDS)
    positive = sp.csr_matrix((information[kept].astype(np.float32), (near.row[kept], near.col[kept])), shape=near.shape)
    left, strengths, _ = randomized_svd(positive, dimension, n_iter=3, random_state=seed)
    vectors = left * np.sqrt(strengths)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    others = np.random.default_rng(seed).normal(0, 0.1, vectors.shape)
    scaled: NDArray[np.floating[Any]] = np.where(norms > 0, LENGTH * vectors / np.maximum(norms, 1e-9), others)
    return scaled.astype(np.float32)
