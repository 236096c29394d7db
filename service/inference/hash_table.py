"""Finds many hashes at once: a two-choice (cuckoo) hash table in NumPy."""

from itertools import count

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_NO_ID = 1 << 63


class HashTable:
    """Ids by 64-bit hashes.

    A hash that is not in the table is taken for one that is if the two are less than `limit` apart, and fall into the
    same place: for hashes as good as random less than once in 10 ** 13 of them.

    Args:
        hashes: uint64[n], each another.
        ids: theirs, uint64[n], below `limit`.
        limit: above every id.

    Source: Pagh and Rodler, "Cuckoo hashing", 2004.
    """

    def __init__(self, hashes: Hashes, ids: NDArray[np.uint64], limit: int) -> None:
        self.limit = limit
        (self._first, self._second), self._bits = _cuckoo_table(hashes, ids)

    def look_up(self, hashes: Hashes) -> Hashes:
        """The id of each hash, uint64 of the same shape; `limit` or more for one that is not in the table."""
        first, second = _slots(hashes, self._bits)
        ids: Hashes = np.minimum(hashes - self._first.take(first), hashes - self._second.take(second))
        return ids


def _slots(hashes: Hashes, bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The two places that a hash may have in a table of 2 ** bits rows, int64 of the same shape each."""
    return (hashes >> (64 - bits)).view(np.int64), (hashes & ((1 << bits) - 1)).view(np.int64)


def _cuckoo_table(hashes: Hashes, ids: NDArray[np.uint64]) -> tuple[Hashes, int]:
    """Two tables, uint64[2, 2 ** bits], and bits: each hash is in the first or the second, at its slot there.

    A row is `hash - id`, so that subtracting it from the same hash gives the id, and from any other a number that is
    too large for an id: key and value come in one read.
    """
    for bits in count(max(1, len(hashes) + len(hashes) // 4).bit_length()):
        slots = _slots(hashes, bits)
        owners = np.full((2, 1 << bits), -1)
        homeless, side = np.arange(len(hashes)), 0
        for _ in range(200):  # whoever is thrown out of a slot tries the other table next
            wanted = slots[side][homeless]
            before = owners[side][wanted]
            owners[side][wanted] = homeless
            won = owners[side][wanted] == homeless
            homeless, side = np.concatenate([homeless[~won], before[won & (before >= 0)]]), 1 - side
        if not len(homeless):
            rows = np.full(owners.shape, _NO_ID, np.uint64)
            rows[owners >= 0] = (hashes - ids)[owners[owners >= 0]]
            return rows, bits
    raise AssertionError
