"""Token ids to n-gram ids, for the n-grams that the model has weights for.

The n-gram ids of a text are its token ids, then an id for each of its bigrams, then for each of its trigrams, and so
on; `PAD_ID` for an n-gram without a weight. The model's wide path is the sum of its weights for all of them.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from service.inference.hash_table import Hashes, HashTable
from service.inference.tokenizers import PAD_ID

_ODD = np.uint64(0x9E3779B97F4A7C15)

Keys = NDArray[np.uint64]


def ngram_keys(token_ids: NDArray[np.integer], max_order: int, num_words: int) -> Iterator[Keys]:
    """Yield the keys of the n-grams of 2 ids, of 3, and so on up to `max_order`.

    The key of an n-gram is the number with its ids as digits of base `num_words`. So two n-grams, of whatever order,
    have different keys, unless one begins with 0, the id of padding.

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
    """Table of n-gram ids by their keys.

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
        self._max_order, self._num_words = max_order, num_words
        ids = np.arange(num_words, num_words + len(keys), dtype=np.uint64)
        self._table = HashTable(_hashes(keys.astype(np.uint64)), ids, num_words + len(keys))

    @property
    def last_id(self) -> int:
        """Return the highest n-gram id."""
        return self._table.limit - 1

    def look_up(self, token_ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the n-gram ids of texts.

        Args:
            token_ids: int32[batch, length], padded with `PAD_ID` on the right.

        Returns:
            int32[batch, any]: all of `token_ids`, then the ids of their n-grams.
        """
        keys = np.concatenate([*ngram_keys(token_ids, self._max_order, self._num_words)], axis=1)
        ids = self._table.look_up(_hashes(keys))
        ids[ids >= self._table.limit] = PAD_ID
        return np.concatenate([token_ids, ids.astype(np.int32)], axis=1)


def _hashes(keys: Keys) -> Hashes:
    """Return a hash for each key; different keys have different hashes."""
    mixed = keys * _ODD
    mixed ^= mixed >> 32
    hashes: Hashes = mixed * _ODD
    return hashes
