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


def ngram_keys(
    token_ids: NDArray[np.integer], max_order: int, num_words: int, first_word_id: int
) -> Iterator[NDArray[np.int64]]:
    """The keys of the n-grams of 2 ids, of 3, ... and of `max_order`, whole numbers that name them.

    An n-gram's key is its ids as digits of base `num_words`, so no two n-grams have one key, of whatever order.

    Args:
        token_ids: [..., length].
        max_order: ids in the longest n-grams.
        num_words: above every id; `num_words ** max_order` is below 2 ** 63.
        first_word_id: ids below it (padding, start, unknown) are in no n-gram that counts.

    Yields:
        Of each order int64[..., length], at the place of its first id; -1 where there is no n-gram that counts.
    """
    known = np.where(token_ids >= first_word_id, token_ids, -1).astype(np.int64)
    keys = known
    for order in range(2, max_order + 1):
        end = np.full_like(known, -1)
        end[..., : 1 - order] = known[..., order - 1 :]
        keys = np.where((keys >= 0) & (end >= 0), keys * num_words + end, -1)
        yield keys


class NgramTable:
    """N-gram ids by their keys.

    Args:
        keys: of the n-grams that the model has weights for, int64[n], rising; the first of them has the id `num_words`.
        max_order: ids in the longest.
        num_words: above every token id.
        first_word_id: ids below it are in no n-gram.

    Raises:
        ValueError: the keys are not rising, or not keys of such n-grams.
    """

    def __init__(self, keys: NDArray[np.int64], max_order: int, num_words: int, first_word_id: int) -> None:
        if num_words**max_order >= 2**63:
            raise ValueError(f"n-grams of {max_order} of {num_words:,} words are too many for 64 bits")
        if not (np.diff(keys) > 0).all():
            raise ValueError("the keys are not rising")
        if len(keys) and not (num_words <= keys[0] and keys[-1] < num_words**max_order):
            raise ValueError(f"the keys are not those of n-grams of 2 to {max_order} of {num_words:,} words")
        self._order_arguments = (max_order, num_words, first_word_id)
        ids = np.arange(num_words, num_words + len(keys), dtype=np.uint64)
        self._table = HashTable(_hashes(keys), ids, num_words + len(keys))

    @property
    def last_id(self) -> int:
        """The highest n-gram id."""
        return self._table.limit - 1

    def look_up(self, token_ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """The n-gram ids of texts, int32[batch, length * max_order].

        Args:
            token_ids: padded, int32[batch, length].
        """
        found = [token_ids]
        for keys in ngram_keys(token_ids, *self._order_arguments):
            ids = self._table.look_up(_hashes(keys))
            found.append(np.where((ids < self._table.limit) & (keys >= 0), ids, 0).astype(np.int32))
        return np.concatenate(found, axis=-1)


def _hashes(keys: NDArray[np.int64]) -> Hashes:
    """Another hash for each key."""
    mixed = keys.view(np.uint64) * _ODD
    mixed ^= mixed >> 32
    hashes: Hashes = mixed * _ODD
    return hashes
