"""The data sets as networks read them: a new one is a function that reads it, and a line in `DATA_SETS`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.inference.characters import FIRST_ID, CharacterTokenizer
from service.inference.keras_imdb import KerasImdbSpec, KerasImdbTokenizer, plain_typography
from service.inference.tokenizer import Tokenizer
from service.inference.tokenizers import AnyTokenizerSpec
from training import nsmc
from training.corpora import words_by_id
from training.data import Split, every_word, load_data, load_texts, load_word_index, stored_positions
from training.explore import decode
from training.recipes import CharactersRecipe, Recipe
from training.short_texts import LabelledTexts, short_texts

VOCABULARY_FILE = "vocabulary.txt"


@dataclass(frozen=True)
class Reading:
    """How text becomes token ids, as the bundle has to say it.

    Attributes:
        vocabulary: words or characters, the most frequent first.
        spec: of the tokenizer.
        language: of the texts (ISO 639-1).
    """

    vocabulary: list[str]
    spec: AnyTokenizerSpec
    language: str


@dataclass(frozen=True)
class DataSet:
    """Reviews for a recipe.

    Attributes:
        train, test: token ids and labels.
        reading: how the ids come from text.
        tokenizer: that does it.
        test_texts: the test reviews as text.
        exact: positions of those whose text gives just their ids; the service means to read the others better.
        train_texts: the training reviews as text, if there is any.
        short_texts: out of the test reviews, by the name of the set, where these are long and there is text.
        films: an order of the training reviews in which those of one label and film follow each other, if one is known.
    """

    train: Split
    test: Split
    reading: Reading
    tokenizer: Tokenizer
    test_texts: list[str]
    exact: list[int]
    train_texts: list[str] | None = None
    short_texts: dict[str, LabelledTexts] = field(default_factory=dict)
    films: NDArray[np.int64] | None = None

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Token ids of each text."""
        return [np.asarray(encoded.token_ids, np.int64) for encoded in self.tokenizer.encode(texts)]


def read_imdb(recipe: Recipe, data_dir: Path | None) -> DataSet:
    """The IMDB data set, through Keras or from a folder.

    Raises:
        DataError: it cannot be read.
    """
    most = recipe.max_reviews
    splits = load_data(data_dir, num_words=recipe.num_words)
    train, test = ((x[:most], y[:most]) for x, y in splits)
    word_index = load_word_index(data_dir)
    raw = load_texts(data_dir)
    texts = raw[1][:most] if raw else _words(data_dir, word_index)[:most]
    reading = imdb_reading(word_index, recipe.num_words)
    return DataSet(
        train=train,
        test=test,
        reading=reading,
        tokenizer=KerasImdbTokenizer(reading.vocabulary, _imdb_spec(recipe.num_words)),
        test_texts=texts,
        exact=exact_rows(texts),
        train_texts=raw[0][:most] if raw else None,
        short_texts=short_texts(texts, test[1]) if raw else {},
        films=stored_positions(len(splits[0][1]))[:most],
    )


def exact_rows(texts: Sequence[str]) -> list[int]:
    """Positions of the texts without typographic characters, which the service reads as people do, Keras did not."""
    return [position for position, text in enumerate(texts) if plain_typography(text) == text]


def imdb_reading(word_index: dict[str, int], num_words: int) -> Reading:
    """As the IMDB data set was made of its texts."""
    return Reading(sorted(word_index, key=word_index.__getitem__), _imdb_spec(num_words), "en")


def read_nsmc(recipe: Recipe, data_dir: Path | None) -> DataSet:
    """The Naver sentiment movie corpus, from a folder.

    Raises:
        DataError: it cannot be read.
    """
    assert isinstance(recipe, CharactersRecipe)  # noqa: S101
    most = recipe.max_reviews
    train, test = (split.first(most) for split in nsmc.read_reviews(data_dir))
    frequent = nsmc.character_vocabulary(train.texts, 1, lowercase=recipe.lowercase, longest_run=recipe.longest_run)
    vocabulary = frequent[: recipe.num_words - FIRST_ID]
    spec = nsmc.characters_spec(
        recipe.num_words, VOCABULARY_FILE, lowercase=recipe.lowercase, longest_run=recipe.longest_run
    )
    tokenizer = CharacterTokenizer(vocabulary, spec)
    return DataSet(
        train=nsmc.encoded(tokenizer, train),
        test=nsmc.encoded(tokenizer, test),
        reading=Reading(vocabulary, spec, "ko"),
        tokenizer=tokenizer,
        test_texts=test.texts,
        exact=list(range(len(test.texts))),
        train_texts=train.texts,
    )


DATA_SETS: dict[str, Callable[[Recipe, Path | None], DataSet]] = {"imdb": read_imdb, "nsmc": read_nsmc}
"""By the name that a recipe has for it."""


def _imdb_spec(num_words: int) -> KerasImdbSpec:
    return KerasImdbSpec(
        name="keras-imdb",
        vocabulary=VOCABULARY_FILE,
        num_words=num_words,
        pad_id=0,
        start_id=1,
        oov_id=2,
        index_from=3,
    )


def _words(data_dir: Path | None, word_index: dict[str, int]) -> list[str]:
    """The test reviews as their words, where there is no raw text."""
    _, (whole, _) = load_data(data_dir, num_words=every_word(word_index))
    words = words_by_id(word_index)
    return [decode(review[1:], words) for review in whole]
