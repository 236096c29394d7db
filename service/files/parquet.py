"""Parquet, for the command line: a table in, the same table with the prediction's columns out.

A Parquet file is finished by what stands at its end, so a part of one is no file. What is scored is therefore kept as
an Arrow IPC stream, to which can be added, and becomes Parquet when all of it is there.
"""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import ipc, parquet

from service.errors import InvalidRequestError, RequestError
from service.files.record import MODEL, NAMES, Options
from service.inference.predictor import Prediction, check_text

_members = attrgetter(*NAMES)
_TYPES = (pyarrow.string(), pyarrow.float32(), pyarrow.int32(), pyarrow.int32(), pyarrow.bool_())  # of NAMES
_NAMING = (pyarrow.string(),)  # of the model and the error
_ROW_GROUP_ROWS = 65_536
_ROW_GROUP_BYTES = 64_000_000


class ParquetTable:
    """A file's rows, some at a time.

    Args:
        path: of the file.
        options: `column`, `prefix` and `max_text_chars` are used.

    Raises:
        InvalidRequestError: it is no Parquet file, or has no such column of texts.
    """

    def __init__(self, path: Path, options: Options) -> None:
        try:
            self._file = parquet.ParquetFile(path)
        except pyarrow.ArrowException as error:
            raise InvalidRequestError(f"{path} cannot be read as Parquet: {' '.join(str(error).split())}") from error
        self._options = options
        self.rows: int = self._file.metadata.num_rows
        schema = pyarrow.schema([_plain_field(field) for field in self._file.schema_arrow])
        if schema.names.count(options.column) != 1:
            raise InvalidRequestError(f"The table has no column {options.column!r}; it has {', '.join(schema.names)}.")
        kind = schema.field(options.column).type
        if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)):
            raise InvalidRequestError(f"The column {options.column!r} holds {kind}, not strings.")
        models = int(options.names_model)
        self._added = [options.prefix + name for name in (*NAMES, *[MODEL] * models, "error")]
        self._types = (*_TYPES, *_NAMING * (models + 1))
        taken = [name for name in self._added if name in schema.names]
        if taken:
            raise InvalidRequestError(
                f"The table has {taken[0]!r} already; give the added names another beginning with prefix."
            )
        self._schema = schema
        fields = [pyarrow.field(name, kind) for name, kind in zip(self._added, self._types, strict=True)]
        self._answer_schema = pyarrow.schema([*schema, *fields], metadata=self._file.schema_arrow.metadata)

    def batches(self, rows: int, start: int) -> Iterator[tuple[int, Any, list[str | RequestError]]]:
        """The rows from `start` on, so many at a time.

        Returns:
            The number of the first of them, the Arrow batch, and each text or what is wrong with it.
        """
        first = 0
        for batch in self._file.iter_batches(rows):
            if first >= start:
                texts = batch.column(self._options.column).to_pylist()
                yield first, batch, [self._checked(text) for text in texts]
            first += batch.num_rows

    def head(self) -> bytes:
        """The beginning of the stream of answers."""
        return bytes(self._answer_schema.serialize())

    def answer(
        self, first: int, batch: Any, texts: Sequence[str | RequestError], predictions: Sequence[Prediction]
    ) -> bytes:
        """A batch with its predictions, as a message of the stream of answers."""
        these = iter(predictions)
        rows = [
            (*[None] * (len(self._added) - 1), f"row {row}: {text}")
            if isinstance(text, RequestError)
            else (*self._values(next(these)), None)
            for row, text in enumerate(texts, first + 1)
        ]
        columns = [_plain(column) for column in batch.columns]
        columns += [pyarrow.array(c, kind) for c, kind in zip(zip(*rows, strict=True), self._types, strict=True)]
        return bytes(pyarrow.record_batch(columns, schema=self._answer_schema).serialize())

    def _values(self, prediction: Prediction) -> tuple[Any, ...]:
        model = (str(prediction.model),) if self._options.names_model else ()
        return (*_members(prediction), *model)

    def _checked(self, text: str | None) -> str | RequestError:
        try:
            if text is None:
                raise InvalidRequestError("The text is missing.")
            check_text(text, self._options.max_text_chars)
        except RequestError as error:
            return error
        return text


def write_parquet(stream: Path, path: Path) -> None:
    """Makes Parquet of a stream of answers."""
    with (
        pyarrow.OSFile(str(stream)) as file,
        ipc.open_stream(file) as batches,
        parquet.ParquetWriter(path, batches.schema) as writer,
    ):
        held: list[Any] = []
        for batch in batches:
            held.append(batch)
            if sum(b.num_rows for b in held) >= _ROW_GROUP_ROWS or sum(b.nbytes for b in held) >= _ROW_GROUP_BYTES:
                writer.write_table(pyarrow.Table.from_batches(held))
                held = []
        if held:
            writer.write_table(pyarrow.Table.from_batches(held))


def _plain(column: Any) -> Any:
    """A column without a dictionary, which a batch of a stream cannot carry."""
    return column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column


def _plain_field(field: Any) -> Any:
    return field.with_type(field.type.value_type) if pyarrow.types.is_dictionary(field.type) else field
