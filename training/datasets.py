"""The data sets as networks read them: a new one is a module that reads it, and a line in `DATASETS`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.inference.characters import FIRST_ID, CharacterTokenizer
from service.inference.keras_imdb import KerasImdbSpec, plain_typography
from service.inference.tokenizer import Tokenizer
from service.inference.tokenizers import TOKENIZERS, AnyTokenizerSpec
from training import nsmc
from training.corpora import words_by_id
from training.data import Split, every_word, load_data, load_texts, load_word_index
from training.explore import decode
from training.recipes import Recipe

VOCABULARY_FILE = "vocabulary.txt"


@dataclass(frozen=True)
class Dataset:
    """A data set as a recipe's network reads it.

    Attributes:
        train: reviews to fit, as token ids, the start id first.
        test: reviews to judge by.
        train_texts: the former as raw text, if there is any.
        test_texts: the latter as text: raw, or the words that are left of it.
        as_read: of the test reviews those whose text the service reads to the same ids, bool[n]: all but a few.
        language: of the texts (ISO 639-1).
        vocabulary: words or characters, the most frequent first.
        tokenizer: how text becomes ids.
    """

    train: Split
    test: Split
    train_texts: list[str] | None
    test_texts: list[str]
    as_read: NDArray[np.bool_]
    language: str
    vocabulary: list[str]
    tokenizer: AnyTokenizerSpec

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts, as the service reads them."""
        tokenizer: Tokenizer = TOKENIZERS[self.tokenizer.name](self.vocabulary, self.tokenizer)
        return [text.token_ids.tolist() for text in tokenizer.encode(texts)]

    @property
    def has_raw_texts(self) -> bool:
        """Whether the texts are as they were written."""
        return self.train_texts is not None


def imdb(recipe: Recipe, data_dir: Path | None) -> Dataset:
    """The IMDB data set of Keras.

    Raises:
        DataError: it cannot be read.
    """
    train, test = (_first(recipe, split) for split in load_data(data_dir, num_words=recipe.num_words))
    word_index = load_word_index(data_dir)
    raw = load_texts(data_dir)
    if raw:
        texts = raw[1][: recipe.max_reviews]
    else:
        _, (whole, _) = load_data(data_dir, num_words=every_word(word_index))
        words = words_by_id(word_index)
        texts = [decode(review[1:], words) for review in whole[: recipe.max_reviews]]
    return Dataset(
        train=train,
        test=test,
        train_texts=raw[0][: recipe.max_reviews] if raw else None,
        test_texts=texts,
        # Typographic characters are read as a person reads them; Keras did not.
        as_read=np.array([plain_typography(text) == text for text in texts]),
        language="en",
        vocabulary=sorted(word_index, key=word_index.__getitem__),
        tokenizer=KerasImdbSpec(
            name="keras-imdb",
            vocabulary=VOCABULARY_FILE,
            num_words=recipe.num_words,
            pad_id=0,
            start_id=1,
            oov_id=2,
            index_from=3,
        ),
    )


def nsmc_characters(recipe: Recipe, data_dir: Path | None) -> Dataset:
    """The Naver sentiment movie corpus as characters.

    Raises:
        DataError: it cannot be read.
    """
    train, test = nsmc.read_reviews(data_dir)
    every = nsmc.character_vocabulary(train.texts, 1)
    vocabulary = every[: recipe.num_words - FIRST_ID]
    spec = nsmc.characters_spec(len(vocabulary), vocabulary_file=VOCABULARY_FILE)
    tokenizer = CharacterTokenizer(vocabulary, spec)

    def encoded(reviews: nsmc.Reviews) -> Split:
        token_ids = np.empty(len(reviews.texts), object)
        token_ids[:] = [text.token_ids.tolist() for text in tokenizer.encode(reviews.texts)]
        return _first(recipe, (token_ids, reviews.labels))

    texts = test.texts[: recipe.max_reviews]
    return Dataset(
        train=encoded(train),
        test=encoded(test),
        train_texts=train.texts[: recipe.max_reviews],
        test_texts=texts,
        as_read=np.ones(len(texts), bool),
        language="ko",
        vocabulary=vocabulary,
        tokenizer=spec,
    )


DATASETS: dict[str, Callable[[Recipe, Path | None], Dataset]] = {"imdb": imdb, "nsmc": nsmc_characters}
"""What reads a data set from its folder, by the name that recipes give it; `<NAME>_DATA_DIR` names the folder."""


def _first(recipe: Recipe, split: Split) -> Split:
    return split[0][: recipe.max_reviews], split[1][: recipe.max_reviews]
