"""Token ids to n-gram ids, for the n-grams that the model has weights for.

The n-gram ids of a text are its token ids, then for each of these the ids of the bigram, the trigram and so on that
begin with it; 0, the id of padding, for an n-gram without a weight. The model's wide path is the sum of its weights for
all of them.
"""

import numpy as np
from numpy.typing import NDArray

from service.inference.hash_table import HashTable

_ODD = np.uint64(0x9E3779B97F4A7C15)


class NgramTable:
    """Table of n-gram ids by their keys.

    The key of an n-gram is the number with its ids as digits of base `num_words`. So two n-grams, of whatever order,
    have different keys, unless one begins with 0.

    Args:
        keys: of the n-grams that the model has weights for, int64[n], rising; the first of them has the id `num_words`.
        max_order: ids in the longest n-grams.
        num_words: above every token id.

    Raises:
        ValueError: the keys are not rising, or not keys of such n-grams.
    """

    def __init__(self, keys: NDArray[np.int64], max_order: int, num_words: int) -> None:
        if num_words**max_order >= 2**63:
            raise ValueError(f"n-grams of {max_order} of {num_words:,} words are too many for 64 bits")
        if not (np.diff(keys) > 0).all():
            raise ValueError("the keys are not rising")
        if len(keys) and not (num_words <= keys[0] and keys[-1] < num_words**max_order):
            raise ValueError(f"the keys are not those of n-grams of 2 to {max_order} of {num_words:,} words")
        self._max_order = max_order
        # The hash of an n-gram is its key times an odd number, so that it is a sum over its ids.
        orders, places = np.arange(2, max_order + 1), np.arange(max_order)[:, None]
        digits = np.where(places < orders, np.uint64(num_words) ** np.maximum(orders - 1 - places, 0), 0)
        self._factors = digits.astype(np.uint64) * _ODD
        ids = np.arange(num_words, num_words + len(keys), dtype=np.uint64)
        self._table = HashTable(keys.astype(np.uint64) * _ODD, ids, num_words + len(keys))

    @property
    def last_id(self) -> int:
        """Return the highest n-gram id."""
        return self._table.limit - 1

    def look_up(self, token_ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the n-gram ids of texts.

        Args:
            token_ids: int32[batch, length], padded with 0 on the right.

        Returns:
            int32[batch, length * max_order]: all of `token_ids`, then the ids of their n-grams.
        """
        batch, length = token_ids.shape
        digits = np.zeros((batch, length + self._max_order - 1), np.uint64)
        digits[:, :length] = token_ids
        windows = np.ndarray((batch, length, self._max_order), np.uint64, digits, strides=(*digits.strides, 8))
        ids = self._table.look_up(windows @ self._factors).reshape(batch, length * (self._max_order - 1))
        found = np.zeros((batch, length * self._max_order), np.int32)
        found[:, :length] = token_ids
        np.copyto(found[:, length:], ids, "unsafe", where=ids < self._table.limit)
        return found
