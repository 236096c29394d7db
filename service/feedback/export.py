"""The feedback that is kept, row by row."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.feedback.database import read_database
from service.feedback.figures import iso_time


@dataclass(frozen=True, slots=True)
class FeedbackRow:
    """The true label of a text, and the answer that it got; the fields are the columns of an export.

    Attributes:
        text: the text; None if it was not kept.
        label: the true label.
        answer: the label of the answer.
        probability: of the positive label.
        model: name of the model that answered.
        version: its version.
        request_id: id of the request.
        position: of the text in it.
        answered: time of the answer, ISO 8601 in UTC.
        received: time of the feedback.
    """

    text: str | None
    label: str
    answer: str
    probability: float
    model: str
    version: int
    request_id: str
    position: int
    answered: str
    received: str


def read_feedback(path: Path, model: str | None = None) -> Iterator[FeedbackRow]:
    """Yield all feedback in the order in which it came.

    Args:
        path: the database.
        model: name of the only model wanted; None for all.

    Raises:
        SettingsError: it is no database of feedback.
        FeedbackUnavailableError: it cannot be read now.
    """
    query = (
        "SELECT text, iif(label, positive, negative), iif(said, positive, negative), probability, model, version, "
        "request_id, position, answered, received FROM feedback JOIN versions ON versions.id = version_id "
        "WHERE ? IS NULL OR model = ? ORDER BY received, feedback.rowid"
    )
    with read_database(path) as database:
        for *values, answered, received in database.execute(query, (model, model)):
            yield FeedbackRow(*values, *map(iso_time, (answered, received)))
