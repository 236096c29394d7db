"""The IMDB data set as an object that recipes name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from service.inference.tokenizers.keras_imdb import KerasImdbTokenizer, plain_typography
from training.data.data_set import Reviews, TokenizerConfig, decode
from training.data.imdb import every_word, load_data, load_texts, load_word_index, stored_positions
from training.data.short_texts import short_texts
from training.data.words import words_by_id, words_spec


@dataclass(frozen=True)
class ImdbReviews:
    """English film reviews as words (see `DataSet`)."""

    name: ClassVar[str] = "imdb"
    files: ClassVar[str] = "imdb.npz and imdb_word_index.json, which Keras downloads without it"
    language: ClassVar[str] = "en"
    units: ClassVar[Literal["words", "characters"]] = "words"
    separator: ClassVar[str] = " "

    def load(self, data_dir: Path | None, num_words: int | None = None, max_reviews: int | None = None) -> Reviews:
        """Read the reviews, from a folder or through Keras (see `DataSet.load`)."""
        splits = load_data(data_dir, num_words=num_words or every_word(load_word_index(data_dir)))
        train, test = ((reviews[:max_reviews], labels[:max_reviews]) for reviews, labels in splits)
        word_index = load_word_index(data_dir)
        token_names = words_by_id(word_index)
        train_texts, test_texts = None, None
        if raw := load_texts(data_dir):
            train_texts, test_texts = (texts[:max_reviews] for texts in raw)
        else:  # the words of a review stand for its text
            _, (whole, _) = load_data(data_dir, num_words=every_word(word_index))
            test_texts = [decode(review[1:], token_names) for review in whole[:max_reviews]]
        spec = words_spec(num_words or every_word(word_index))
        config = imdb_tokenizer_config(word_index, spec.num_words)
        return Reviews(
            train=train,
            test=test,
            tokenizer_config=config,
            tokenizer=KerasImdbTokenizer(config.vocabulary, spec),
            token_names=token_names,
            test_texts=test_texts,
            exact=exact_rows(test_texts),
            train_texts=train_texts,
            short_texts=short_texts(test_texts, test[1]) if raw else {},
            films=stored_positions(len(splits[0][1]))[:max_reviews],
        )


def exact_rows(texts: Sequence[str]) -> list[int]:
    """Return the positions of the texts without typographic characters, which the service and Keras read alike."""
    return [position for position, text in enumerate(texts) if plain_typography(text) == text]


def imdb_tokenizer_config(word_index: dict[str, int], num_words: int) -> TokenizerConfig:
    """Describe the tokenizer that made the IMDB data set of its texts."""
    return TokenizerConfig(sorted(word_index, key=word_index.__getitem__), words_spec(num_words), ImdbReviews.language)
