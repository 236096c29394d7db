"""Looks up every word of a text at once: NumPy over its bytes, no Python object for a word.

The hash of a word is the sum of CODES[byte] * BASE ** -(distance from the word's end), modulo 2 ** 64, so that one
running sum over a text gives it for all its words. A separator has the code 0, which no other byte has.
"""

from collections.abc import Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

# Keras's Tokenizer lower-cases and replaces these characters by spaces; here an upper-case letter has the code of its
# lower case. The index was built from byte strings: only ASCII letters have a lower case, and among white space only
# blank, tab and newline split. The other ASCII white space occurs in no word of the index, so splitting there as well
# changes no known word.
SEPARATORS = b' !"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r\x0b\x0c'
_CODES = np.random.default_rng(113).integers(1, 2**64, 256, np.uint64)[list(bytes(range(256)).lower())]
_CODES[list(SEPARATORS)] = 0
_BASE = 0x9E3779B97F4A7C17
_INVERSE = pow(_BASE, -1, 2**64)

CACHED_BYTES = 1 << 16
"""Powers of the base are kept up to here; longer data computes its own."""

_NO_ID = 1 << 63


def _powers(base: int, length: int) -> Hashes:
    powers = np.full(length, base, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


_POWERS = _powers(_BASE, CACHED_BYTES)
_INVERSE_POWERS = _powers(_INVERSE, CACHED_BYTES)


def hash_words(data: bytes) -> tuple[Hashes, NDArray[np.int64]]:
    """The hash of what stands between each two separators, 0 for nothing, and where it ends; [separators - 1] each.

    Args:
        data: UTF-8 that begins and ends with a separator.
    """
    cached = len(data) <= CACHED_BYTES
    terms = _CODES.take(np.frombuffer(data, np.uint8))
    (separators,) = (terms == 0).nonzero()
    terms *= _POWERS[: len(data)] if cached else _powers(_BASE, len(data))
    sums = np.add.accumulate(terms, out=terms).take(separators)
    ends = separators[1:]
    shifts = _INVERSE_POWERS if cached else _powers(_INVERSE, len(data))
    return (sums[1:] - sums[:-1]) * shifts.take(ends), ends


class WordTable:
    """Ids of words, found by their hashes: a two-choice (cuckoo) hash table in NumPy.

    A word that is not in the table is taken for one that is if their hashes agree: for the words that people write,
    which do not depend on the random codes, less than once in 10 ** 13 such words. Who looks for such a word may find
    one, and gains what he had by writing the other word. Within the table no two hashes agree: it is checked here.

    Args:
        words: the words, each as UTF-8 without a separator in it.
        ids: theirs, uint64[words], below `limit`.
        limit: above every id.

    Raises:
        ValueError: two words have one hash, or one of them is empty or holds a separator.

    Source: Pagh and Rodler, "Cuckoo hashing", 2004.
    """

    def __init__(self, words: Sequence[bytes], ids: NDArray[np.uint64], limit: int) -> None:
        hashes, _ = hash_words(b"\n%b\n" % b"\n".join(words))
        if not (len(np.unique(hashes)) == len(hashes) == len(words) and hashes.all()):
            raise ValueError("two words have one hash, or a word is empty or holds a separator")
        self.limit = limit
        (self._first, self._second), self._bits = _cuckoo_table(hashes, ids)

    def look_up(self, hashes: Hashes) -> Hashes:
        """The id of each word, uint64[n]; for a word that is not in the table a number of `limit` or more."""
        first, second = _slots(hashes, self._bits)
        ids: Hashes = np.minimum(hashes - self._first.take(first), hashes - self._second.take(second))
        return ids


def _slots(hashes: Hashes, bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The two places that a hash may have in a table of 2 ** bits rows, int64[n] each."""
    return (hashes >> (64 - bits)).view(np.int64), (hashes & ((1 << bits) - 1)).view(np.int64)


def _cuckoo_table(hashes: Hashes, ids: NDArray[np.uint64]) -> tuple[Hashes, int]:
    """Two tables, uint64[2, 2 ** bits], and bits: each hash is in the first or the second, at its slot there.

    A row is `hash - id`, so that subtracting it from the same hash gives the id, and from any other a number that is
    too large for an id: key and value come in one read.
    """
    for bits in count((len(hashes) + len(hashes) // 4).bit_length()):
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
            return np.where(owners >= 0, hashes[owners] - ids[owners], np.uint64(_NO_ID)), bits
    raise AssertionError
