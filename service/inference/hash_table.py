"""A two-choice (cuckoo) hash table in NumPy, which looks up many hashes at once."""

from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

Bits = tuple[int, int]
"""Numbers of bits of the slots of the first and of the second table."""

_NO_ID = 1 << 63


class HashTable:
    """Ids by 64-bit hashes.

    A false match needs a hash less than `limit` above one in the table, in the same slot: for random hashes n * limit
    in 2 ** 64, one in 10 ** 8 for 300,000 ids.

    Args:
        hashes: uint64[n], all different.
        ids: uint64[n], the id of each hash, below `limit`.
        limit: number above every id.

    Source: Pagh and Rodler, "Cuckoo hashing", 2004.
    """

    def __init__(self, hashes: Hashes, ids: NDArray[np.uint64], limit: int) -> None:
        self.limit = limit
        (self._first, self._second), self._bits = _cuckoo_tables(hashes, ids)

    def look_up(self, hashes: Hashes) -> Hashes:
        """Return the id of each hash, uint64 of the same shape; `limit` or more for a hash that is not in the table."""
        first, second = _slots(hashes, self._bits)
        ids: Hashes = np.minimum(hashes - self._first.take(first), hashes - self._second.take(second))
        return ids

    def look_up_one(self, hashed: int) -> int:
        """Return the id of one hash (see `look_up`), without what a call of NumPy costs."""
        first, second = _high_bits(hashed, self._bits)
        return min((hashed - int(self._first[first])) % 2**64, (hashed - int(self._second[second])) % 2**64)


def _slots(hashes: Hashes, bits: Bits) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the slot of each hash in two tables of 2 ** bits rows, each int64 of the same shape."""
    first, second = _high_bits(hashes, bits)
    return first.view(np.int64), second.view(np.int64)


def _high_bits(hashed: Any, bits: Bits) -> tuple[Any, Any]:
    """Return the highest bits of one hash or of many, and those below them.

    Where a hash is the product of a key, its low bits depend on those of the key alone.
    """
    return hashed >> (64 - bits[0]), hashed >> (64 - sum(bits)) & ((1 << bits[1]) - 1)


def _cuckoo_tables(hashes: Hashes, ids: NDArray[np.uint64]) -> tuple[list[Hashes], Bits]:
    """Build two tables, uint64[2 ** bits] each, with each hash in its slot of one of them; return their `bits` too.

    A row is `hash - id`: subtracted from the same hash it gives the id, and from any other hash a number too large for
    an id, so that one read gives key and value.

    Of n hashes nearly all sets find room where the product of the tables' sizes is above n ** 2 (Kutzelnigg, "Bipartite
    random graphs and cuckoo hashing", 2006), so that the second table may be half as large as the first.
    """
    squared = len(hashes) ** 2
    for both in count(max(2, (squared + squared // 16).bit_length())):
        bits = (both + 1) // 2, both // 2
        slots = _slots(hashes, bits)
        owners = [np.full(1 << each, -1, np.int32) for each in bits]
        homeless, side = np.arange(len(hashes), dtype=np.int32), 0
        for _ in range(200):  # a hash that loses its slot tries the other table next
            wanted = slots[side][homeless]
            before = owners[side][wanted]
            owners[side][wanted] = homeless
            won = owners[side][wanted] == homeless
            homeless, side = np.concatenate([homeless[~won], before[won & (before >= 0)]]), 1 - side
        if not len(homeless):
            return [_rows(each, hashes - ids) for each in owners], bits
    raise AssertionError


def _rows(owners: NDArray[np.int32], rows: Hashes) -> Hashes:
    """Put the row of each owner in its slot, and in the slots of -1 a row that gives no id."""
    table = np.full(len(owners), _NO_ID, np.uint64)
    owned = owners >= 0
    table[owned] = rows[owners[owned]]
    return table
