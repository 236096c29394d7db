"""A table that looks up all words of a text at once: NumPy over its bytes, without a Python object for each word.

The hash of a word is the sum of CODES[byte] * BASE ** -(distance from the word's end), modulo 2 ** 64, so that one
running sum over a text gives it for all its words. A separator has the code 0, which no other byte has.
"""

from hashlib import shake_128

import numpy as np
from numpy.typing import NDArray

from service.inference.hash_table import Hashes, HashTable

# Keras's Tokenizer lower-cases and replaces these characters by spaces; here an upper-case letter has the code of its
# lower case. The index was built from byte strings: only ASCII letters have a lower case, and among white space only
# blank, tab and newline split. The other ASCII white space occurs in no word of the index, so splitting there as well
# changes no known word.
SEPARATORS = b' !"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r\x0b\x0c'
_CODES = np.frombuffer(shake_128(b"codes").digest(256 * 8), np.uint64)[list(bytes(range(256)).lower())]
_CODES[list(SEPARATORS)] = 0
_CODE_OF = _CODES.tolist()  # as Python's integers, for one word at a time
_BASE = 0x9E3779B97F4A7C17
_INVERSE = pow(_BASE, -1, 2**64)

CACHED_BYTES = 1 << 16
"""Bytes up to which the powers of the base are kept; they are computed anew for longer data."""


def _powers(base: int, length: int) -> Hashes:
    powers = np.full(length, base, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


_POWERS = _powers(_BASE, CACHED_BYTES)
_INVERSE_POWERS = _powers(_INVERSE, CACHED_BYTES)


def hash_words(data: bytes) -> tuple[Hashes, NDArray[np.int64]]:
    """Hash the words of a text: whatever stands between two separators, 0 for nothing.

    Args:
        data: UTF-8 that begins and ends with a separator.

    Returns:
        The hashes, uint64[separators - 1], and the positions of the words' ends, int64[separators - 1].
    """
    cached = len(data) <= CACHED_BYTES
    terms = _CODES.take(np.frombuffer(data, np.uint8))
    (separators,) = (terms == 0).nonzero()
    terms *= _POWERS[: len(data)] if cached else _powers(_BASE, len(data))
    sums = np.add.accumulate(terms, out=terms).take(separators)
    ends = separators[1:]
    shifts = _INVERSE_POWERS if cached else _powers(_INVERSE, len(data))
    return (sums[1:] - sums[:-1]) * shifts.take(ends), ends


class WordTable(HashTable):
    """Ids of words, found by their hashes.

    A word that is not in the table matches one that is if their hashes agree (see `HashTable`): fewer than one in
    10 ** 9 of the words that people write. A word that is constructed to match gains nothing over the word that it
    matches. Within the table no two hashes agree, which is checked here.

    Args:
        words: the words, one a line, each as UTF-8 without a separator in it.
        ids: uint64[words], the id of each word, below `limit`.
        limit: number above every id.

    Raises:
        ValueError: two words have one hash, or one of them is empty or holds a separator.
    """

    def __init__(self, words: bytes, ids: NDArray[np.uint64], limit: int) -> None:
        hashes, _ = hash_words(b"\n%b\n" % words)
        if len(hashes) != len(ids) or not (hashes.all() and np.diff(np.sort(hashes)).all()):
            raise ValueError("two words have one hash, or a word is empty or holds a separator")
        super().__init__(hashes, ids, limit)

    def find(self, word: bytes) -> int:
        """Return the id of one word, `limit` or more for a word that is not in the table."""
        value = 0
        for byte in word:
            value = (value + _CODE_OF[byte]) * _INVERSE % 2**64
        return self.look_up_one(value)
