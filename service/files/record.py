"""What all formats share: a record of a file, where it ends, and how a format is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from service.errors import InvalidTextError
from service.inference.predictor import Prediction

NAMES = ("label", "probability", "words", "known_words", "truncated")
"""What a prediction adds to a record."""

MODEL = "model"
"""What it adds as well where each text has a model of its own."""


class Position(NamedTuple):
    """A place between two records: bytes of the expanded file and lines before it."""

    offset: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One text of a file, or what is wrong with it.

    Attributes:
        line: number of its first line, from 1.
        text: to be scored; empty where there is an error.
        error: what makes it no text.
        raw: its bytes as they were sent, with the end of the line; empty where they are no record of the format.
        after: the place after it, or None where reading cannot be taken up again.
    """

    line: int
    text: str
    error: Exception | None = None
    raw: bytes = b""
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be read and answered.

    Attributes:
        column: name of the CSV column that holds the texts.
        delimiter: of CSV, one ASCII character.
        prefix: put before the names that are added.
        max_line_bytes: bytes that a line (of CSV: a row) may have, its end included.
        max_text_chars: characters that a text may have.
        names_model: whether an answer says which model gave it.
    """

    column: str = "text"
    delimiter: str = ","
    prefix: str = ""
    max_line_bytes: int = 1_000_000
    max_text_chars: int = 100_000
    names_model: bool = False


class Format(Protocol):
    """A way to write records down.

    Records are read as the iterators are asked for the next; they give None for a line that is no record (yet).
    """

    answer_media_type: str

    @property
    def ready(self) -> bool:
        """Whether enough was read to know that the file can be answered at all."""

    @property
    def position(self) -> Position:
        """How far the file has been read."""

    def feed(self, chunk: bytes) -> Iterator[Record | None]:
        """The records that are complete with this chunk.

        Raises:
            ServiceError: the file as a whole cannot be answered.
        """

    def finish(self) -> Iterator[Record | None]:
        """What is left when the file has ended."""

    def head(self) -> bytes:
        """What the answer begins with."""

    def scored(self, record: Record, prediction: Prediction) -> bytes:
        """The answer to a record."""

    def failed(self, record: Record, problem: dict[str, Any]) -> bytes:
        """The answer to a record that has no prediction; `problem` has the members of RFC 9457."""

    def tail(self, summary: dict[str, Any]) -> bytes:
        """What the answer ends with."""


def decode(data: bytes) -> str:
    """UTF-8 as text.

    Raises:
        InvalidTextError: naming the first byte that is none.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidTextError(f"Byte {error.start + 1} of the line is not UTF-8.") from error
