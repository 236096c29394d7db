"""The Naver sentiment movie corpus as an object that recipes name."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from service.inference.tokenizers.characters import FIRST_ID, CharacterTokenizer
from training.data import nsmc
from training.data.characters import character_vocabulary, characters_by_id, characters_spec
from training.data.data_set import Reviews, Split, TokenizerConfig


@dataclass(frozen=True)
class NsmcReviews:
    """Short Korean film reviews as characters (see `DataSet`).

    Attributes:
        lowercase: read a capital letter as the small one.
        longest_run: number of equal characters in a row that are read; None reads all of them.
    """

    lowercase: bool
    longest_run: int | None

    name: ClassVar[str] = "nsmc"
    files: ClassVar[str] = "ratings_train.txt and ratings_test.txt"
    language: ClassVar[str] = "ko"
    units: ClassVar[Literal["words", "characters"]] = "characters"
    separator: ClassVar[str] = ""

    def load(self, data_dir: Path | None, num_words: int | None = None, max_reviews: int | None = None) -> Reviews:
        """Read the reviews from a folder (see `DataSet.load`)."""
        train, test = (split.first(max_reviews) for split in nsmc.read_reviews(data_dir))
        vocabulary = character_vocabulary(train.texts, 1, lowercase=self.lowercase, longest_run=self.longest_run)
        if num_words:
            vocabulary = vocabulary[: num_words - FIRST_ID]
        spec = characters_spec(
            num_words or len(vocabulary) + FIRST_ID, lowercase=self.lowercase, longest_run=self.longest_run
        )
        tokenizer = CharacterTokenizer(vocabulary, spec)
        return Reviews(
            train=encoded(tokenizer, train),
            test=encoded(tokenizer, test),
            tokenizer_config=TokenizerConfig(vocabulary, spec, self.language),
            tokenizer=tokenizer,
            token_names=characters_by_id(vocabulary),
            test_texts=test.texts,
            exact=list(range(len(test.texts))),
            train_texts=train.texts,
        )


def encoded(tokenizer: CharacterTokenizer, reviews: nsmc.RawSplit) -> Split:
    """Return reviews as token ids, and their labels."""
    token_ids = np.empty(len(reviews.texts), object)
    token_ids[:] = [text.token_ids.tolist() for text in tokenizer.encode(reviews.texts)]
    return token_ids, reviews.labels
