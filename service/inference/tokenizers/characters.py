"""Tokenizer of characters, for languages whose words have too many forms to list, such as Korean.

A text is normalized, so that a Korean syllable is one character however it was typed; its ids are the start id and, for
each of its words, the id of a blank and those of the characters. So white space at either end has no id, any amount of
it between two words is one blank, and a word has the same ids wherever it stands.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from service.inference.tokenizers.normalization import align, normalize
from service.inference.tokenizers.tokenizer import OOV_ID, PAD_ID, START_ID, Encoded, TokenizerSpec, grouped

FIRST_ID = 1 + max(PAD_ID, START_ID, OOV_ID)
"""Id of the most frequent character."""

BLANK = " "

_GROUP_CHARACTERS = _PLANE = 1 << 16
_WORD, _CHARACTER = re.compile(r"\S+"), re.compile(r"\S")


class CharactersSpec(TokenizerSpec):
    """Characters in order of their frequency, from `FIRST_ID` on."""

    counted: ClassVar[Literal["words", "characters"]] = "characters"

    name: Literal["characters"]
    units: Literal["syllables"] = Field(description="What a Korean character is.")
    lowercase: bool = Field(description="Whether a capital letter is read as the small one.")
    longest_run: int | None = Field(
        default=None, ge=1, description="Times that a character is read where it stands more often in a row."
    )


class CharacterTokenizer:
    """A tokenizer of characters, which looks up those of many texts at once, in an array over code points.

    Args:
        vocabulary: characters in order of their rank, the most frequent first.
        spec: ids and limits. A character of rank r, from 1, has id r + `FIRST_ID` - 1. Those from `num_words` on, and
            all that are not in the vocabulary, become `oov_id`.

    Raises:
        ValueError: a line of the vocabulary is not one character, or is there twice.
    """

    def __init__(self, vocabulary: Sequence[str], spec: CharactersSpec) -> None:
        wrong = next((entry for entry in vocabulary if len(entry) != 1), None)
        if wrong is not None:
            raise ValueError(f"{wrong[:20]!r} is not one character")
        if len(set(vocabulary)) != len(vocabulary):
            raise ValueError("a character is there twice")
        known = vocabulary[: max(spec.num_words - FIRST_ID, 0)]
        # What is unknown has a number above all ids, each character its own, so that its runs can be told.
        numbers = np.arange(sys.maxunicode + 1, dtype=np.int32) + spec.num_words
        numbers[[ord(character) for character in known]] = np.arange(FIRST_ID, FIRST_ID + len(known))
        if spec.lowercase:
            capitals, small = _capitals()
            numbers[capitals] = numbers[small]
        self._blank = int(numbers[ord(BLANK)])
        numbers[_white_space()] = self._blank
        # The rest, which is most of Unicode, is unknown: its numbers are computed.
        (special,) = (numbers != np.arange(len(numbers)) + spec.num_words).nonzero()
        self._numbers: NDArray[np.int32] = numbers[: special[-1] + 1].copy()
        self._spec = spec

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Return the token ids of each text."""
        normalized = [normalize(text, line_breaks=True) for text in texts]
        groups = grouped(normalized, _GROUP_CHARACTERS, gap=2)
        return [encoded for group in groups for encoded in self._encode_group(group)]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the places of what stands between white space (see `Tokenizer.spans`)."""
        aligned = align(text, line_breaks=True)
        return [aligned.span(match) for match in _WORD.finditer(aligned.text)]

    def parts(self, word: str) -> list[tuple[int, int]]:
        """Return an empty range for the blank, then those of the characters that are read (see `Tokenizer.parts`)."""
        aligned = align(word, line_breaks=True)
        places = [aligned.span(match) for match in _CHARACTER.finditer(aligned.text)]
        codes = np.array([ord(character) for character in _CHARACTER.findall(aligned.text)], np.uint32)
        characters = zip(self._look_up(codes).tolist(), places, strict=True)
        runs = (list(run) for _, run in groupby(characters, key=lambda character: character[0]))
        return [(0, 0), *(place for run in runs for _, place in run[: self._spec.longest_run])]

    def _look_up(self, codes: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Return the number of each code point, int32 of the same shape."""
        numbers = self._numbers.take(codes, mode="clip")
        if codes.max(initial=0) >= len(self._numbers):
            beyond = codes >= len(self._numbers)
            numbers[beyond] = codes[beyond] + self._spec.num_words
        return numbers

    def _encode_group(self, texts: list[str]) -> Iterator[Encoded]:
        # Before each text a character in whose place the start id will be, and a blank, as before any other word.
        codes = np.frombuffer("".join(f"\n{BLANK}{text}" for text in texts).encode("utf-32-le"), np.uint32)
        lengths = np.array([len(text) + 2 for text in texts])
        ends = lengths.cumsum()
        starts = ends - lengths
        numbers = self._look_up(codes)
        blank = numbers == self._blank
        known = numbers < self._spec.num_words
        words = np.add.reduceat(~blank, starts, dtype=np.int64)
        known_words = np.add.reduceat(known & ~blank, starts, dtype=np.int64)
        read = ~blank
        read[:-1] |= ~blank[1:]  # the last blank before a word
        read[starts] = True
        numbers[starts] = self._spec.start_id
        if self._spec.longest_run:
            read &= blank | ~_over(numbers, self._spec.longest_run)
        ends = read.cumsum()[ends - 1]
        token_ids = np.where(known, numbers, np.int32(self._spec.oov_id))[read]
        first = 0
        for after, *counts in zip(ends.tolist(), words.tolist(), known_words.tolist(), strict=True):
            yield Encoded(token_ids[first:after], *counts)
            first = after


def _over(numbers: NDArray[np.int32], longest_run: int) -> NDArray[np.bool_]:
    """Mark the numbers beyond `longest_run` in a run of equal ones, bool[n]."""
    over = np.zeros(len(numbers), np.bool_)
    if len(numbers) > longest_run:
        same = numbers[1:] == numbers[:-1]
        over[longest_run:] = same[longest_run - 1 :]
        for before in range(1, longest_run):
            over[longest_run:] &= same[longest_run - 1 - before : -before]
    return over


def _planes() -> Iterator[NDArray[np.uint32]]:
    """Yield the code points of each plane of Unicode, without NUL and the surrogates."""
    for first in range(0, sys.maxunicode + 1, _PLANE):
        codes = np.arange(first, first + _PLANE, dtype=np.uint32)
        yield codes[(codes != 0) & ((codes < 0xD800) | (codes > 0xDFFF))]


@cache
def _white_space() -> list[int]:
    """Return the code points of white space."""
    return [ord(character) for codes in _planes() for character in re.findall(r"\s", _text(codes))]


@cache
def _capitals() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return the code points of characters that have a lower case of one character, and those of the lower case."""
    capitals, small = [], []
    for codes in _planes():
        # All at once, each between two NUL: the lower case of some characters depends on their neighbours.
        lower = _text(np.stack([codes, np.zeros_like(codes)], axis=1)).lower()
        lowered = np.frombuffer(lower.encode("utf-32-le"), np.uint32)
        (ends,) = (lowered == 0).nonzero()
        wanted = (np.diff(ends, prepend=-1) == 2) & (lowered[ends - 1] != codes)
        capitals.append(codes[wanted])
        small.append(lowered[ends - 1][wanted])
    return np.concatenate(capitals), np.concatenate(small)


def _text(codes: NDArray[np.uint32]) -> str:
    return codes.tobytes().decode("utf-32-le")
