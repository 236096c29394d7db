"""Tokenizer of words, by the rules of Keras's IMDB data set."""

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from service.inference.tokenizers.normalization import align, normalize
from service.inference.tokenizers.tokenizer import Encoded, TokenizerSpec, grouped
from service.inference.tokenizers.word_table import CACHED_BYTES, SEPARATORS, WordTable, hash_words


class KerasImdbSpec(TokenizerSpec):
    """Words of Keras's IMDB index."""

    counted: ClassVar[Literal["words", "characters"]] = "words"

    name: Literal["keras-imdb"]
    index_from: int = Field(ge=0, le=1000, description="Added to a word's rank to give its id.")


FREQUENT_WORDS, SHORT_BYTES = 20_000, 400
"""Words that have a dictionary of 2 MB beside the table, and bytes of a text up to which it is the faster one."""

_START = b"\xff"  # begins each text, as a word of its own: no UTF-8 has this byte
_SPACED = bytes(b" "[0] if byte in SEPARATORS else byte for byte in bytes(range(256)).lower())


class KerasImdbTokenizer:
    """A tokenizer of words, by the rules and with the word index of Keras's IMDB data set.

    Args:
        vocabulary: words in order of their rank, the most frequent first.
        spec: ids and limits. A word of rank r has id r + `index_from`; ids from `num_words` on are known to the
            index but not to the model and become `oov_id`; a word that the index lacks is dropped.

    Raises:
        ValueError: the vocabulary is not one of words (see `WordTable`).

    Source: `keras.datasets.imdb` and `keras.preprocessing.text.Tokenizer`, checked on all 50,000 reviews.
    """

    def __init__(self, vocabulary: Sequence[str], spec: KerasImdbSpec) -> None:
        ids = np.arange(len(vocabulary) + 1, dtype=np.uint64) + spec.index_from
        ids[ids >= spec.num_words] = spec.oov_id
        ids[0] = spec.start_id
        limit = max(spec.num_words, spec.start_id + 1, spec.oov_id + 1)
        self._table = WordTable(b"%b\n%b" % (_START, "\n".join(vocabulary).encode()), ids, limit)
        frequent = vocabulary[:FREQUENT_WORDS]
        token_ids = ids[1 : 1 + len(frequent)].tolist()
        self._frequent = {word.encode().lower(): token_id for word, token_id in zip(frequent, token_ids, strict=True)}
        self._start_id, self._oov_id = spec.start_id, spec.oov_id

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Return the token ids of each text as a person reads it (see `plain_typography`), by Keras's rules."""
        return self.encode_as_keras([plain_typography(text) for text in texts])

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the places of the words (see `Tokenizer.spans`)."""
        aligned = align(text, line_breaks=False)
        return [aligned.span(match) for match in _WORD.finditer(aligned.text)]

    def parts(self, word: str) -> list[tuple[int, int]]:
        """Return the whole word, since it has one id at most (see `Tokenizer.parts`)."""
        return [(0, len(word))]

    def encode_as_keras(self, texts: Sequence[str]) -> list[Encoded]:
        """Return the token ids by Keras's rules alone: for raw IMDB reviews, exactly the ids that Keras stores."""
        if len(texts) == 1:
            text = texts[0].encode()
            return [self._encode_short(text) if len(text) <= SHORT_BYTES else self._encode_one(text)]
        groups = grouped([text.encode() for text in texts], CACHED_BYTES - 1, gap=3)
        return [encoded for group in groups for encoded in self._encode_group(group)]

    def _encode_short(self, text: bytes) -> Encoded:
        """Encode one short text as `_encode_group` does, a word at a time."""
        words = text.translate(_SPACED).split()
        ids = [self._start_id, *map(self._frequent.get, words)]
        if None in ids:
            rare = [place for place, token_id in enumerate(ids) if token_id is None]
            for place in reversed(rare):
                token_id = self._table.find(words[place - 1])
                ids[place : place + 1] = [token_id] if token_id < self._table.limit else []
        known_words = len(ids) - 1 - ids.count(self._oov_id)
        return Encoded(np.array(ids, np.int32), len(words), known_words)

    def _encode_one(self, text: bytes) -> Encoded:
        """Encode one long text as `_encode_group` does, in half of its time."""
        hashes, _ = hash_words(b" %b %b " % (_START, text))
        ids = self._table.look_up(hashes)
        token_ids = ids[ids < self._table.limit].astype(np.int32)
        known_words = int(np.count_nonzero(token_ids != self._oov_id)) - 1
        return Encoded(token_ids, int(np.count_nonzero(hashes)) - 1, known_words)

    def _encode_group(self, texts: list[bytes]) -> Iterator[Encoded]:
        hashes, ends = hash_words(b"".join(b" %b %b" % (_START, text) for text in texts) + b" ")
        some = hashes != 0
        hashes, ends = hashes[some], ends[some]
        ids = self._table.look_up(hashes)
        found = ids < self._table.limit
        token_ids = ids[found].astype(np.int32)
        # Which word begins a text is told by its place: no word, whatever its hash, can shift the ids of other texts.
        before = np.cumsum([0, *(len(text) + 3 for text in texts[:-1])])
        starts = ends.searchsorted(before + 2)
        first_ids = found.cumsum()[starts] - 1
        known_words = np.add.reduceat(token_ids != self._oov_id, first_ids, dtype=np.int64) - 1
        words = np.diff(starts, append=len(hashes)) - 1
        last_ids = [*first_ids[1:].tolist(), len(token_ids)]
        for begin, end, *counts in zip(first_ids.tolist(), last_ids, words.tolist(), known_words.tolist(), strict=True):
            yield Encoded(token_ids[begin:end], *counts)


_APOSTROPHES = dict.fromkeys("\u2018\u2019\u201b\u02bc", "'")
_SPACES = dict.fromkeys(
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
    "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"  # hyphens and dashes: Keras filters "-" to a space
    "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u2026",  # double quotes and the ellipsis
    " ",
)
_TYPOGRAPHY = {**_APOSTROPHES, **_SPACES}
_TYPOGRAPHIC = re.compile(f"[{''.join(_TYPOGRAPHY)}]")
_WORD = re.compile(f"[^{re.escape(SEPARATORS.decode() + ''.join(_SPACES))}]+")
"""A word of a normalized text."""


def plain_typography(text: str) -> str:
    """Normalize a text, and replace typographic apostrophes, quotes, dashes and spaces by those of a keyboard.

    Pasted texts have `don’t` and `great—really`; the index has `don't`, `great` and `really`. `<br />` stays, because
    the reviews that the index was made of have it and it became the word `br`.
    """
    text = normalize(text, line_breaks=False)
    if text.isascii():
        return text
    return _TYPOGRAPHIC.sub(lambda match: _TYPOGRAPHY[match[0]], text)
