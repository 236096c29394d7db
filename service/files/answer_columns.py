"""The columns that a table of Arrow gets for its answers."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow

from service.errors import InvalidRequestError, RequestError
from service.files.record import MODEL
from service.inference.predictor import Prediction
from service.texts import check_text

ERROR = "error"
"""Field that says why a text has no prediction."""

_TYPES = {
    "label": pyarrow.string(),
    "probability": pyarrow.float32(),
    "words": pyarrow.int32(),
    "known_words": pyarrow.int32(),
    "truncated": pyarrow.bool_(),
    MODEL: pyarrow.string(),
    ERROR: pyarrow.string(),
}


class AnswerColumns:
    """Columns of answers at the end of a table.

    Args:
        schema: of the table.
        names: of the columns to add, by their field (a field of a prediction, "model" or "error"), in order.
    """

    def __init__(self, schema: Any, names: dict[str, str]) -> None:
        self._fields = list(names)
        plain = [_plain_field(field) for field in schema]
        added = [pyarrow.field(name, _TYPES[field]) for field, name in names.items()]
        self.schema = pyarrow.schema([*plain, *added], metadata=schema.metadata)
        """The schema with these columns."""

    def appended(
        self,
        batch: Any,
        texts: Sequence[str | RequestError],
        predictions: Sequence[Prediction],
        place: Callable[[int], str] = lambda _: "",
    ) -> Any:
        """Return a record batch with the columns of its answers.

        Args:
            batch: n rows of the table.
            texts: the text of each row, or what is wrong with it.
            predictions: one for each text.
            place: says where a row stands, before its error, by its position in the batch.
        """
        remaining = iter(predictions)
        answers = [
            f"{place(row)}{text}" if isinstance(text, RequestError) else next(remaining)
            for row, text in enumerate(texts)
        ]
        columns = [column.dictionary_decode() if _is_dictionary(column) else column for column in batch.columns]
        columns += [
            pyarrow.array([_value(field, answer) for answer in answers], _TYPES[field]) for field in self._fields
        ]
        return pyarrow.record_batch(columns, schema=self.schema)


def checked(texts: Sequence[str | None], max_chars: int) -> list[str | RequestError]:
    """Validate the texts of a column; an error takes the place of a text that is missing or cannot be scored."""
    return [_checked(text, max_chars) for text in texts]


def check_column(schema: Any, column: str) -> None:
    """Check that a table has one column of texts with this name.

    Raises:
        InvalidRequestError: it has none, or something else in it.
    """
    if schema.names.count(column) != 1:
        raise InvalidRequestError(
            f"The table has {'more than one' if column in schema.names else 'no'} column {column!r}; it has "
            f"{', '.join(schema.names)}."
        )
    kind = schema.field(column).type
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)):
        raise InvalidRequestError(f"The column {column!r} holds {kind}, not strings.")


def _checked(text: str | None, max_chars: int) -> str | RequestError:
    try:
        if text is None:
            raise InvalidRequestError("The text is missing.")
        check_text(text, max_chars)
    except RequestError as error:
        return error
    return text


def _value(field: str, answer: Prediction | str) -> Any:
    if isinstance(answer, str):
        return answer if field == ERROR else None
    if field == ERROR:
        return None
    return str(answer.model) if field == MODEL else getattr(answer, field)


def _is_dictionary(column: Any) -> bool:
    return bool(pyarrow.types.is_dictionary(column.type))


def _plain_field(field: Any) -> Any:
    """Return a field without a dictionary, which the batches of a stream cannot carry."""
    return field.with_type(field.type.value_type) if _is_dictionary(field) else field
