"""Records and their predictions to the bytes of an answer, counted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from service.files.record import Format, Record
from service.inference.predictor import Prediction


@dataclass(slots=True)
class Summary:
    """What became of a file: how many records had a prediction, and how many an error."""

    scored: int = 0
    errors: int = 0
    complete: bool = True  # nothing stopped it before its end

    def fields(self) -> dict[str, Any]:
        """As the last line of an answer has it; `complete` is there only where it is false."""
        counts = {"lines": self.scored + self.errors, "scored": self.scored, "errors": self.errors}
        return counts if self.complete else {**counts, "complete": False}


def answer(
    file_format: Format,
    records: Sequence[Record],
    predictions: Sequence[Prediction],
    problem_fields: Callable[[Exception], dict[str, Any]],
    summary: Summary,
) -> bytes:
    """The answers to records, in their order.

    Args:
        file_format: writes them.
        records: with a text or an error.
        predictions: one for each record without an error.
        problem_fields: an error as the members of a problem (RFC 9457).
        summary: counts them.
    """

    def answers() -> Iterator[bytes]:
        these = iter(predictions)
        for record in records:
            if record.error:
                yield file_format.failed(record, problem_fields(record.error))
            else:
                yield file_format.scored(record, next(these))

    summary.scored += len(predictions)
    summary.errors += len(records) - len(predictions)
    return b"".join(answers())
