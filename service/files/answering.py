"""Records and their predictions to the bytes of an answer, counted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from service.files.record import Format, Options, Record, counted
from service.inference.predictor import Prediction

_LITTLE_KNOWN = 0.1
"""Share of known words below which the texts are probably in a language that the model does not read."""


@dataclass(slots=True)
class Summary:
    """Counts of a file's records.

    Attributes:
        scored: records with a prediction.
        errors: records with an error.
        words: words of all texts (for some models characters).
        known_words: those of them that the model knows.
        complete: whether the file was read to its end.
    """

    scored: int = 0
    errors: int = 0
    words: int = 0
    known_words: int = 0
    complete: bool = True

    def count(self, records: Sequence[object], predictions: Sequence[Prediction]) -> None:
        """Add records, of which some have a prediction and the others an error."""
        self.scored += len(predictions)
        self.errors += len(records) - len(predictions)
        for prediction in predictions:
            self.words += prediction.words
            self.known_words += prediction.known_words

    def add(self, other: Self) -> None:
        """Add the counts of another file."""
        self.scored += other.scored
        self.errors += other.errors
        self.words += other.words
        self.known_words += other.known_words

    def fields(self, notes: Sequence[str] = ()) -> dict[str, Any]:
        """Return the members of the summary; `complete` and `notes` are there only where they say something."""
        fields: dict[str, Any] = {"lines": self.scored + self.errors, "scored": self.scored, "errors": self.errors}
        if not self.complete:
            fields["complete"] = False
        if notes:
            fields["notes"] = list(notes)
        return fields

    def notes(self, options: Options) -> list[str]:
        """Remark that the model knows few of the words."""
        if not self.words or self.known_words >= _LITTLE_KNOWN * self.words:
            return []
        advice = f"name a model that reads them: {options.option('model', 'NAME')}"
        if not options.names_model:
            advice += f", or {options.option('model', 'auto')} for the one that reads each text's script"
        return [
            f"The model knows {self.known_words:,} of {counted(self.words, 'word')}. The texts are probably in a "
            f"language that it does not read; {advice}."
        ]

    def state(self) -> dict[str, int]:
        """Return the counts, for a run that resumes this one."""
        state = asdict(self)
        del state["complete"]
        return state


def answer(
    file_format: Format,
    records: Sequence[Record],
    predictions: Sequence[Prediction],
    problem_fields: Callable[[Exception], dict[str, Any]],
    summary: Summary,
) -> bytes:
    """Write the answers to records, in their order.

    Args:
        file_format: writes them.
        records: with a text or an error.
        predictions: one for each record without an error.
        problem_fields: describes an error as the members of a problem (RFC 9457).
        summary: counts them.
    """

    def answers() -> Iterator[bytes]:
        remaining = iter(predictions)
        for record in records:
            if record.error:
                yield file_format.failed(record, problem_fields(record.error))
            else:
                yield file_format.scored(record, next(remaining))

    summary.count(records, predictions)
    return file_format.encoded(b"".join(answers()))
