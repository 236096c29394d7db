"""The interface of a tokenizer: its part of the manifest, the ids with a meaning of their own, and what it returns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

PAD_ID, START_ID, OOV_ID = 0, 1, 2
"""Token ids of padding, of the start of a text, and of words or characters that the model has no vector for, as Keras
numbers them for its IMDB data set; the manifest of a bundle records them."""

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A file inside a bundle; no path leads out of its folder."""

SpecialId = Annotated[int, Field(ge=0, le=1000)]

Text = TypeVar("Text", str, bytes)


class TokenizerSpec(BaseModel):
    """The part of a manifest that describes how text becomes token ids.

    The spec of a tokenizer narrows `name` to its own and adds the settings that only this tokenizer has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    counted: ClassVar[Literal["words", "characters"]]
    """The unit that `Encoded.words` counts."""

    name: str
    vocabulary: FileName = Field(description="File with one word, or character, a line, the most frequent first.")
    num_words: int = Field(ge=1, le=2**30, description="Ids at or above this are out of vocabulary.")
    pad_id: SpecialId
    start_id: SpecialId
    oov_id: SpecialId


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The token ids of a text before padding and truncation.

    Attributes:
        token_ids: int32[ids].
        words: words of the text; for a tokenizer of characters, its characters without white space.
        known_words: those of them that the model has a vector for.
    """

    token_ids: NDArray[np.int32]
    words: int
    known_words: int


class Tokenizer(Protocol):
    """Turn text into token ids, and locate in the text what the ids stand for."""

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Return the token ids of each text, not truncated, in order."""

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the first character of each word of a text and the one after its last, in order.

        Explanations take these words out. The ids of a text are those of an empty text followed, in order, by the ids
        that each word has beyond them when it is encoded alone; removing the characters of a word removes its ids and
        changes no others.
        """

    def parts(self, word: str) -> list[tuple[int, int]]:
        """Return, for each id of a word that has ids, the range of its characters in the word, in order."""


def grouped(texts: Sequence[Text], max_size: int, gap: int) -> Iterator[list[Text]]:
    """Split texts, in order, into groups that have a limited size when joined; a longer text is a group alone.

    Args:
        texts: of characters or bytes.
        max_size: largest size of a group, in characters or bytes.
        gap: characters or bytes that joining adds to each text.
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
