"""Text to token ids: what every tokenizer has, and what the rest of the service needs of one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from service.inference.part import FileName, Part

Text = TypeVar("Text", str, bytes)


class TokenizerSpec(Part):
    """The part of a manifest that says how text becomes token ids: what all tokenizers have of it.

    That of a tokenizer adds its name, by which the manifest tells it from others, and what only this one needs.
    """

    counted: ClassVar[Literal["words", "characters"]]
    """What a text is made of, and `Encoded.words` counts."""

    vocabulary: FileName = Field(description="File with one word, or character, a line, the most frequent first.")
    num_words: int = Field(ge=1, description="Ids at or above this are out of vocabulary.")
    pad_id: int
    start_id: int
    oov_id: int


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A text as the model's token ids, before any padding or cutting."""

    token_ids: NDArray[np.int32]  # [ids]
    words: int  # that the text has; of a tokenizer of characters, all of these but white space
    known_words: int  # of them, those the model has a vector for


class Tokenizer(Protocol):
    """What the rest of the service needs of a tokenizer."""

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """The token ids of each text, whole, in order."""

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where the words of a text are: the first character of each and the one after its last, in order.

        They are what explanations take out. A text's ids are those of an empty text and then, in order, what each
        word's own ids have beyond them; without the characters of a word they are the same but for the ids of that
        word.
        """

    def parts(self, word: str) -> list[tuple[int, int]]:
        """Where in a word that has ids of its own the characters are that each of them stands for, in order."""


def grouped(texts: Sequence[Text], max_size: int, gap: int) -> Iterator[list[Text]]:
    """The texts in order, in runs that joined have at most so much; a longer text is alone.

    Args:
        texts: of characters or bytes.
        max_size: characters or bytes that a run has at most.
        gap: of them, those that each text needs beside its own.
    """
    group: list[Text] = []
    size = 0
    for text in texts:
        if group and size + len(text) + gap > max_size:
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text) + gap
    if group:
        yield group
