"""The callable for engines of data: a table of Arrow in, the same table with its answers out.

Ray Data calls it with `map_batches(scorer, batch_format="pyarrow")`, Spark with `mapInArrow(scorer.batches, schema)`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow

from service.errors import RequestError
from service.files.answer_columns import ERROR, AnswerColumns, check_column, checked
from service.files.record import MODEL, NAMES, Options
from service.inference.batching import SCORE_JOB_TEXTS, by_length, restored
from service.inference.predictor import Prediction
from service.models.model_choice import Choice
from service.models.packed import PackedModels
from service.settings import Settings

FIELDS = (*NAMES, ERROR, MODEL)
"""Fields of an answer, in the order of their columns."""

CLASH_PREFIX = "model_"
"""Put before the name of a field that the table has already, if no prefix is given."""


class Scorer:
    """A callable that scores the texts of a table. It can be pickled, with its models.

    A row whose text is missing, blank or too long is answered in its place: the column `error` says what is wrong, and
    the other ones are null. Probabilities are those of `POST /predict`. A process loads the models once.

    Args:
        column: name of the column with the texts.
        prefix: put before the names of all columns that are added; without one, `model_` is put before those that the
            table has already.
        models: to score with; None packs those of the settings.
        settings: such as `model`, `model_version`, `models_dir`, `precision` and `max_text_chars`; the others are those
            of the environment.

    Raises:
        SettingsError: a setting has a value that it cannot have.
        BundleError: a model is missing or cannot be used.
    """

    def __init__(
        self, column: str = "text", prefix: str = "", models: PackedModels | None = None, **settings: Any
    ) -> None:
        self._column = column
        self._prefix = prefix
        self._models = models or PackedModels.pack(Settings.load(**settings))

    @property
    def models(self) -> Choice:
        """The models, loaded."""
        return self._models.load()

    def schema(self, schema: Any) -> Any:
        """Return the schema of the answers to a table.

        Raises:
            InvalidRequestError: it has no such column of texts, or the name of an added column even with the prefix.
        """
        return self._answers(schema).schema

    def __call__(self, table: Any) -> Any:
        """Score a table.

        Args:
            table: of Arrow, with n rows.

        Returns:
            The same table of n rows, with the columns label (string), probability (float32), words and known_words
            (int32), truncated (bool), error and model (strings: `name/version`).

        Raises:
            InvalidRequestError: see `schema`.
        """
        batches = list(self.batches(table.combine_chunks().to_batches()))
        return pyarrow.Table.from_batches(batches, self.schema(table.schema))

    def batches(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Score record batches of Arrow one by one, as `__call__` does a table.

        Raises:
            InvalidRequestError: see `schema`.
        """
        for batch in batches:
            answers = self._answers(batch.schema)
            texts = checked(batch.column(self._column).to_pylist(), self._models.settings.max_text_chars)
            yield answers.appended(batch, texts, predicted(self.models, texts))

    def _answers(self, schema: Any) -> AnswerColumns:
        check_column(schema, self._column)
        return AnswerColumns(schema, names_of_answers(schema.names, self._prefix))


def names_of_answers(taken: Sequence[str], prefix: str) -> dict[str, str]:
    """Name the columns of the answers to a table, by their fields.

    Args:
        taken: names that the table has.
        prefix: put before all names; if it is empty, `model_` is put before those that are taken.

    Raises:
        InvalidRequestError: a name is taken all the same.
    """
    names = {field: (prefix or CLASH_PREFIX * (field in taken)) + field for field in FIELDS}
    Options(flags=True).check_added(names.values(), taken, "The table")
    return names


def predicted(models: Choice, texts: Sequence[str | RequestError]) -> list[Prediction]:
    """Compute a prediction for each text, in order, on the calling thread; those of like length are padded together.

    Args:
        models: that answer.
        texts: validated texts; errors among them are left out.
    """
    valid = [text for text in texts if isinstance(text, str)]
    order = by_length(valid)
    predictions: list[Prediction] = []
    for start in range(0, len(order), SCORE_JOB_TEXTS):
        job = [valid[position] for position in order[start : start + SCORE_JOB_TEXTS]]
        predictions += models.predict(job)
    return restored(order, predictions)
