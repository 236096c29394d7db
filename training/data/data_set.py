"""Define what a data set is, for training, exploring and reports alike.

A recipe names a `DataSet`: an object that knows where the texts come from, in which language they are, and how they
become token ids. A new language is a new class of this shape and a recipe that names it; docs/new-language.md builds
one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from service.inference.tokenizers import Tokenizer, TokenizerSpec
from training.data.short_texts import LabelledTexts

VOCABULARY_FILE = "vocabulary.txt"
"""Name of the vocabulary in a bundle."""

Split = tuple[NDArray[np.object_], NDArray[np.int64]]
"""Reviews as lists of token ids (object[n]) and their labels (int64[n], 1 = positive)."""


@dataclass(frozen=True)
class TokenizerConfig:
    """Describe, for the bundle, how text becomes token ids.

    Attributes:
        vocabulary: words or characters, the most frequent first.
        spec: of the tokenizer.
        language: of the texts (ISO 639-1).
    """

    vocabulary: list[str]
    spec: TokenizerSpec
    language: str


@dataclass(frozen=True)
class Reviews:
    """Hold the reviews of a data set as one recipe reads them.

    Attributes:
        train, test: token ids and labels.
        tokenizer_config: how the ids come from text.
        tokenizer: the tokenizer that it describes.
        token_names: the word or character of each token id, special ids in brackets.
        test_texts: the test reviews as text.
        exact: positions of the test reviews whose text the service turns into exactly these ids. It reads typographic
            characters better than Keras did, so other reviews may differ.
        train_texts: the training reviews as text, where there is text.
        short_texts: sentences from the test reviews by the name of the set, where reviews are long and there is text.
        films: an order of the training reviews in which those of one label and film are adjacent, where it is known.
    """

    train: Split
    test: Split
    tokenizer_config: TokenizerConfig
    tokenizer: Tokenizer
    token_names: Mapping[int, str]
    test_texts: list[str]
    exact: list[int]
    train_texts: list[str] | None = None
    short_texts: dict[str, LabelledTexts] = field(default_factory=dict)
    films: NDArray[np.int64] | None = None

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return the token ids of each text."""
        return [np.asarray(encoded.token_ids, np.int64) for encoded in self.tokenizer.encode(texts)]


class DataSet(Protocol):
    """Read labelled texts and turn them into token ids.

    Attributes:
        name: of the data set: `explore --data NAME`; the variable `<NAME>_DATA_DIR` names its folder.
        files: what its folder holds, for the help text of `--data-dir`.
        language: of the texts (ISO 639-1).
        units: what a token id stands for.
        separator: text between the names of two token ids where a review is written out.
    """

    name: ClassVar[str]
    files: ClassVar[str]
    language: ClassVar[str]
    units: ClassVar[Literal["words", "characters"]]
    separator: ClassVar[str]

    def load(self, data_dir: Path | None, num_words: int | None = None, max_reviews: int | None = None) -> Reviews:
        """Read the reviews.

        Args:
            data_dir: folder of the data set; None where the user named none.
            num_words: token ids at or above this are out of vocabulary; None gives every word or character an id.
            max_reviews: number of reviews to take from each split; None takes all.

        Raises:
            DataError: the data set is missing, damaged, or another one.
        """


def decode(token_ids: Sequence[int], token_names: Mapping[int, str], separator: str = " ") -> str:
    """Write a review out as text, from the names of its token ids."""
    return separator.join(token_names[token_id] for token_id in token_ids)
