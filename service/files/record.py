"""The types that all formats share: options, records and positions."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from service.errors import InvalidRequestError, InvalidTextError
from service.inference.predictor import Prediction

NAMES = ("label", "probability", "words", "known_words", "truncated")
"""Fields of a prediction."""

MODEL = "model"
"""Field that is added where each text has a model of its own."""

UTF_8 = "utf-8"


class Position(NamedTuple):
    """A place between two records: bytes of the expanded file in UTF-8, and lines, before it."""

    offset: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One text of a file, or its error.

    Attributes:
        line: number of its first line, from 1; in a JSON array the number of the element.
        text: to be scored; empty where there is an error.
        error: why there is no text.
        raw: its bytes as they were sent (in UTF-8), with the end of the line; empty where they do not form a record.
        after: the place after it, or None where reading cannot be resumed.
    """

    line: int
    text: str
    error: Exception | None = None
    raw: bytes = b""
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """Options of reading and answering a file.

    Attributes:
        column: name of the CSV column, or of the member of JSON objects, that holds the texts; without a header the
            number of the column, from 1.
        delimiter: of CSV, one ASCII character.
        quote: whether double quotes can enclose a field of CSV.
        header: whether CSV begins with a row of names.
        fields: fields of a prediction that CSV gets as columns, from `NAMES`.
        prefix: put before the names that are added.
        max_line_bytes: bytes that a line (of CSV: a row) may have, its end included.
        max_text_chars: characters that a text may have.
        max_columns: columns that CSV may have.
        names_model: whether an answer names the model that gave it.
        flags: whether messages name flags of the command line; otherwise parameters of a query.
    """

    column: str = "text"
    delimiter: str = ","
    quote: bool = True
    header: bool = True
    fields: tuple[str, ...] = ("label", "probability")
    prefix: str = ""
    max_line_bytes: int = 1_000_000
    max_text_chars: int = 100_000
    max_columns: int = 1_000
    names_model: bool = False
    flags: bool = False

    def option(self, name: str, value: str) -> str:
        """Return what the user types to set an option."""
        return f"--{name} {value}" if self.flags else f"?{name}={value}"

    def check_added(self, names: Iterable[str], taken: Container[str], place: str, pointer: str = "") -> None:
        """Check that the names to be added are free.

        Args:
            names: with the prefix.
            taken: those that are there.
            place: where they are, for the message.
            pointer: JSON pointer to the object that has them as members, with a slash at its end; "" for a header.

        Raises:
            InvalidRequestError: one is taken.
        """
        for name in names:
            if name in taken:
                raise InvalidRequestError(
                    f"{place} has {name!r} already; give the added names another beginning: "
                    f"{self.option('prefix', 'sentiment_')}",
                    pointer + name if pointer else None,
                )

    @property
    def lost_line_ends(self) -> str:
        """Advice for a file that consists of one line, as `curl -d @FILE` makes it of any file."""
        if self.flags:
            return ""
        return (
            "The file has a single line. If it should have several, curl -d @FILE removed the line ends: send it with "
            "-T FILE -X POST or --data-binary @FILE."
        )


class Format(Protocol):
    """A file format: reads records, and writes their answers.

    The iterators of records read on at each step; they yield None for a line without a record.

    Attributes:
        options: how the file is read and answered.
        encoding: of the file, set before its first line is fed, which is in UTF-8 in any case.
        header: the part of the file that must be known to resume reading after it.
    """

    options: Options
    encoding: str
    header: bytes

    @property
    def answer_media_type(self) -> str:
        """Media type of the answer."""

    @property
    def ready(self) -> bool:
        """True once enough was read to be certain that the file can be answered."""

    @property
    def position(self) -> Position:
        """The place up to which the file has been read."""

    @property
    def notes(self) -> list[str]:
        """Remarks on the whole file for the summary; complete at its end."""

    def feed(self, chunk: bytes) -> Iterator[Record | None]:
        """Read the records that are complete with this chunk.

        Raises:
            ServiceError: the file as a whole cannot be answered.
        """

    def finish(self) -> Iterator[Record | None]:
        """Read what is left when the file has ended."""

    def head(self) -> bytes:
        """Return the beginning of the answer."""

    def scored(self, record: Record, prediction: Prediction) -> bytes:
        """Return the answer to a record, in UTF-8."""

    def failed(self, record: Record, problem: dict[str, Any]) -> bytes:
        """Return the answer to a record without a prediction; `problem` has the members of RFC 9457."""

    def tail(self, summary: dict[str, Any]) -> bytes:
        """Return the end of the answer."""

    def encoded(self, answers: bytes) -> bytes:
        """Convert answers from UTF-8 to the encoding of the answer."""


def decode(data: bytes, encoding: str = UTF_8) -> str:
    """Decode a line that is in UTF-8, or was converted to it.

    Args:
        data: of the line.
        encoding: that the file itself has, for the message.

    Raises:
        InvalidTextError: naming the first byte that is not UTF-8, if the file should be that.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if encoding == UTF_8:
            raise InvalidTextError(f"Byte {error.start + 1} of the line is not UTF-8.") from error
        raise InvalidTextError(f"The line cannot be decoded as {encoding}.") from error


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 row", "2,000 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
