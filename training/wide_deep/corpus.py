"""Texts as one row of token ids, for what counts in all of them at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

SPECIAL_IDS = 3
"""Padding, start and unknown: ids below the first that stands for a word."""


class Corpus:
    """Texts, joined.

    Args:
        texts: token ids of each.
    """

    def __init__(self, texts: Sequence[Sequence[int] | Ints] | NDArray[np.object_]) -> None:
        self.lengths: Ints = np.array([len(text) for text in texts], np.int64)
        """Ids of each text."""
        self.starts: Ints = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        """Where each begins in `token_ids`."""
        self.token_ids: Ints = np.concatenate([np.asarray(text, np.int64) for text in texts])
        self.text_of: Ints = np.repeat(np.arange(len(texts)), self.lengths)
        """The text that each id belongs to."""

    def ngram_keys(self, max_order: int, num_words: int) -> list[Ints]:
        """Compute the keys of words, bigrams, and so on, int64[ids] each, where they begin.

        -1 where there is none, or one with an id that stands for no word, or one that reaches into the next text.
        """
        known = self.token_ids >= SPECIAL_IDS
        keys = [np.where(known, self.token_ids, -1)]
        for order, whole in enumerate(ngram_keys(self.token_ids, max_order, num_words), start=2):
            in_one_text = self.text_of[order - 1 :] == self.text_of[: 1 - order]
            known = known[:-1] & in_one_text & (self.token_ids[order - 1 :] >= SPECIAL_IDS)
            none = np.full(len(self.token_ids) - len(whole), -1)
            keys.append(np.concatenate([np.where(known, whole.astype(np.int64), -1), none]))
        return keys

    def cut(self, begins: Ints, lengths: Ints) -> list[Ints]:
        """Cut the ids from each of `begins` on, as many as `lengths` says."""
        return [self.token_ids[begin : begin + length] for begin, length in zip(begins, lengths, strict=True)]


@dataclass(frozen=True)
class Crops:
    """Parts of texts.

    Attributes:
        begins: the first id of each in `Corpus.token_ids`, int64[crops].
        lengths: ids of each.
        texts: which text each is of.
    """

    begins: Ints
    lengths: Ints
    texts: Ints


def random_crops(
    corpus: Corpus, anywhere: int, at_end: int, words: tuple[int, int], random: np.random.Generator
) -> Crops:
    """Draw parts of every text, as people write less than a review: anywhere in it, and at its end.

    Args:
        corpus: the texts.
        anywhere: of each text.
        at_end: of each text.
        words: in the shortest and in the longest crop; their lengths' logarithms are spread evenly.
        random: where they begin, and how long they are.
    """
    low, high = words
    own = corpus.lengths[:, None] - 1  # without the start id
    shape = (len(own), anywhere + at_end)
    lengths = np.exp(random.uniform(np.log(low), np.log(high + 1), shape)).astype(np.int64)
    lengths = np.minimum(lengths, own)
    begins = np.floor(random.random(shape) * (own - lengths + 1)).astype(np.int64)
    begins[:, anywhere:] = (own - lengths)[:, anywhere:]
    begins += corpus.starts[:, None] + 1
    texts = np.repeat(np.arange(len(own)), anywhere + at_end)
    some = lengths.ravel() > 0
    return Crops(begins.ravel()[some], lengths.ravel()[some], texts[some])


def ngram_keys(token_ids: NDArray[np.integer], max_order: int, num_words: int) -> Iterator[NDArray[np.uint64]]:
    """Yield the keys of the n-grams of 2 ids, of 3, and so on up to `max_order` (see `NgramTable`).

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
