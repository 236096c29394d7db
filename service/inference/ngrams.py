"""Token ids to n-gram ids: which runs of neighbouring ids the model has weights for.

The n-gram ids of a text are its token ids, then an id for each of its bigrams, then for each of its trigrams, and so
on; 0, the id of padding, where the model does not know one. Added up over all of them, what the model holds for each id
is the wide path's answer.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from service.inference.hash_table import Hashes, HashTable

_ODD = np.uint64(0x9E3779B97F4A7C15)

Keys = NDArray[np.uint64]


def ngram_keys(token_ids: NDArray[np.integer], max_order: int, num_words: int) -> Iterator[Keys]:
    """The keys of the n-grams of 2 ids, of 3, ... and of `max_order`, whole numbers that name them.

    An n-gram's key is its ids as digits of base `num_words`. So no two n-grams have one key, of whatever order, unless
    one begins with 0, the id of padding.

    Args:
        token_ids: [..., length].
        max_order: ids in the longest n-grams.
        num_words: above every id; `num_words ** max_order` is below 2 ** 63.

    Yields:
        Of each order uint64[..., length - order + 1], in order of their first ids.
    """
    digits = token_ids.astype(np.uint64)
    keys = digits
    for order in range(2, max_order + 1):
        keys = keys[..., :-1] * np.uint64(num_words) + digits[..., order - 1 :]
        yield keys


class NgramTable:
    """N-gram ids by their keys.

    Args:
        keys: of the n-grams that the model has weights for, int64[n], rising; the first of them has the id `num_words`.
        max_order: ids in the longest.
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
        self._max_order, self._num_words = max_order, num_words
        ids = np.arange(num_words, num_words + len(keys), dtype=np.uint64)
        self._table = HashTable(_hashes(keys.astype(np.uint64)), ids, num_words + len(keys))

    @property
    def last_id(self) -> int:
        """The highest n-gram id."""
        return self._table.limit - 1

    def look_up(self, token_ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """The n-gram ids of texts, int32[batch, any]: all of `token_ids`, then those of their n-grams.

        Args:
            token_ids: int32[batch, length], padded with 0 on the right.
        """
        keys = np.concatenate([*ngram_keys(token_ids, self._max_order, self._num_words)], axis=1)
        ids = self._table.look_up(_hashes(keys))
        ids[ids >= self._table.limit] = 0
        return np.concatenate([token_ids, ids.astype(np.int32)], axis=1)


def _hashes(keys: Keys) -> Hashes:
    """Another hash for each key."""
    mixed = keys * _ODD
    mixed ^= mixed >> 32
    hashes: Hashes = mixed * _ODD
    return hashes
