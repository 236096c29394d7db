"""Text to token ids. A bundle's manifest names the tokenizer that its model was trained with."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.bundle import TokenizerSpec


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as the model's token ids, before any padding or cutting."""

    token_ids: list[int]
    words: int  # that the text has
    known_words: int  # of them, those the model has a vector for


class Tokenizer(Protocol):
    """What the rest of the service needs of a tokenizer."""

    def encode(self, text: str) -> Encoded:
        """The text's token ids, whole."""


# Keras's Tokenizer lower-cases and replaces these characters by spaces. The index was built from byte strings:
# only ASCII letters have a lower case, and among white space only blank, tab and newline split. The other ASCII
# white space occurs in no word of the index, so splitting there as well changes no known word.
_FILTERED = b'!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r\x0b\x0c'
_LOWERED = bytes(range(256)).lower()
_TO_WORDS = _LOWERED.translate(bytes(0x20 if byte in _FILTERED else byte for byte in range(256)))


class KerasImdbTokenizer:
    """The rules by which Keras's IMDB data set was made, over its word index.

    Args:
        vocabulary: words in order of their rank, the most frequent first.
        spec: ids and limits. A word of rank r has id r + `index_from`; ids from `num_words` on are known to the
            index but not to the model and become `oov_id`; a word that the index lacks is dropped.

    Source: `keras.datasets.imdb` and `keras.preprocessing.text.Tokenizer`, checked on all 50,000 reviews.
    """

    def __init__(self, vocabulary: Sequence[str], spec: TokenizerSpec) -> None:
        self._start_id = spec.start_id
        self._oov_id = spec.oov_id
        self._ids = {
            word.encode(): token_id if token_id < spec.num_words else spec.oov_id
            for token_id, word in enumerate(vocabulary, start=spec.index_from + 1)
        }

    def encode(self, text: str) -> Encoded:
        """The text as a person reads it (see `plain_typography`), split and looked up as Keras did."""
        return self.encode_as_keras(plain_typography(text))

    def encode_as_keras(self, text: str) -> Encoded:
        """The text by Keras's rules alone: for a raw IMDB review, exactly the ids that Keras stores."""
        words = text.encode().translate(_TO_WORDS).split()
        # No word has id 0, so filter(None, …) drops just the words that the index lacks.
        token_ids = [self._start_id, *filter(None, map(self._ids.get, words))]
        known_words = len(token_ids) - 1 - token_ids.count(self._oov_id)
        return Encoded(token_ids, len(words), known_words)


TOKENIZERS: dict[str, Callable[[Sequence[str], TokenizerSpec], Tokenizer]] = {"keras-imdb": KerasImdbTokenizer}
"""Tokenizers by the name that a manifest gives them."""


_INVISIBLE = dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", "")
_APOSTROPHES = dict.fromkeys("\u2018\u2019\u201b\u02bc\uff07", "'")
_SPACES = dict.fromkeys(
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
    "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"  # hyphens and dashes: Keras filters "-" to a space
    "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u2026",  # double quotes and the ellipsis
    " ",
)
_TYPOGRAPHY = {**_INVISIBLE, **_APOSTROPHES, **_SPACES}
_TYPOGRAPHIC = re.compile(f"[{''.join(_TYPOGRAPHY)}]")


def plain_typography(text: str) -> str:
    """Typographic apostrophes, quotes, dashes and spaces as a keyboard has them, accents composed (NFC).

    What people paste says `don’t` and `great—really`; the index knows `don't`, `great` and `really`. ASCII text,
    most of what there is, is returned as it came.
    """
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    return _TYPOGRAPHIC.sub(lambda match: _TYPOGRAPHY[match[0]], composed)
