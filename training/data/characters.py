"""Make the vocabulary of a model that reads characters."""

import unicodedata
from collections.abc import Sequence

import numpy as np

from service.inference.tokenizers import OOV_ID, PAD_ID, START_ID
from service.inference.tokenizers.characters import BLANK, FIRST_ID, CharactersSpec, CharacterTokenizer
from training.data.data_set import VOCABULARY_FILE

SPECIAL_IDS = {0: "[pad]", 1: "[start]", 2: "[unknown]"}


def character_vocabulary(
    texts: Sequence[str], min_count: int, *, lowercase: bool, longest_run: int | None
) -> list[str]:
    """Return the characters of texts, the most frequent first, counted as the service's tokenizer reads them.

    Args:
        texts: training reviews; no others, or the test would know them.
        min_count: times that a character has to occur.
        lowercase: as of `CharactersSpec`.
        longest_run: as of `CharactersSpec`.
    """
    composed = {character for text in texts for character in unicodedata.normalize("NFC", text)}
    every = sorted(composed | {character.lower() for character in composed if len(character.lower()) == 1} | {BLANK})
    spec = characters_spec(len(every) + FIRST_ID, lowercase=lowercase, longest_run=longest_run)
    encoded = CharacterTokenizer(every, spec).encode(texts)
    token_ids = np.concatenate([text.token_ids for text in encoded])
    counts = np.bincount(token_ids, minlength=spec.num_words)[FIRST_ID:].tolist()
    ranked = sorted(zip(every, counts, strict=True), key=lambda entry: -entry[1])  # of equals, the lower code point
    return [character for character, count in ranked if count >= min_count]


def characters_spec(num_words: int, *, lowercase: bool, longest_run: int | None) -> CharactersSpec:
    """Describe the tokenizer of a model that knows so many token ids."""
    return CharactersSpec(
        name="characters",
        vocabulary=VOCABULARY_FILE,
        num_words=num_words,
        pad_id=PAD_ID,
        start_id=START_ID,
        oov_id=OOV_ID,
        units="syllables",
        lowercase=lowercase,
        longest_run=longest_run,
    )


def characters_by_id(vocabulary: Sequence[str]) -> dict[int, str]:
    """Return the character of each token id, special ids in brackets."""
    return dict(enumerate(vocabulary, start=FIRST_ID)) | SPECIAL_IDS
