"""Parquet, for the command line: a table in, the same table with the prediction's columns out.

A Parquet file is finished by what stands at its end, so a part of one is no file. What is scored is therefore kept as
an Arrow IPC stream, to which can be added, and becomes Parquet when all of it is there.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow
from pyarrow import ipc, parquet

from service.errors import InvalidRequestError, RequestError
from service.files.answer_columns import ERROR, AnswerColumns, check_column, checked
from service.files.record import MODEL, NAMES, Options
from service.inference.predictor import Prediction

_ROW_GROUP_ROWS = 65_536
_ROW_GROUP_BYTES = 64_000_000


class ParquetFile:
    """A file's rows, some at a time.

    Args:
        file: its path, or the file itself.
        options: `column` and `max_text_chars` are used.
        name: of the file, for messages.

    Raises:
        InvalidRequestError: it is no Parquet file, or has no such column of texts.
    """

    def __init__(self, file: Path | BinaryIO, options: Options, name: str) -> None:
        try:
            self._file = parquet.ParquetFile(file)
        except pyarrow.ArrowException as error:
            raise InvalidRequestError(f"{name} cannot be read as Parquet: {' '.join(str(error).split())}") from error
        self._options = options
        self.rows: int = self._file.metadata.num_rows
        self.schema = self._file.schema_arrow
        check_column(self.schema, options.column)

    def batches(self, rows: int, start: int = 0) -> Iterator[tuple[int, Any, list[str | RequestError]]]:
        """Read the rows from `start` on, so many at a time.

        Returns:
            The number of the first of them, the Arrow batch, and each text or what is wrong with it.
        """
        first = 0
        for batch in self._file.iter_batches(rows):
            if first >= start:
                texts = batch.column(self._options.column).to_pylist()
                yield first, batch, checked(texts, self._options.max_text_chars)
            first += batch.num_rows


class ParquetTable(ParquetFile):
    """A file's rows, and their answers as a stream.

    Args:
        path: of the file.
        options: `prefix` and `names_model` are used as well.

    Raises:
        InvalidRequestError: it is no Parquet file, has no such column of texts, or has the name of an added column.
    """

    def __init__(self, path: Path, options: Options) -> None:
        super().__init__(path, options, str(path))
        fields = (*NAMES, *[MODEL] * options.names_model, ERROR)
        names = {field: options.prefix + field for field in fields}
        options.check_added(names.values(), self.schema.names, "The table")
        self._answers = AnswerColumns(self.schema, names)

    def head(self) -> bytes:
        """Return the beginning of the stream of answers."""
        return bytes(self._answers.schema.serialize())

    def answer(
        self, first: int, batch: Any, texts: Sequence[str | RequestError], predictions: Sequence[Prediction]
    ) -> bytes:
        """Return a batch with its predictions, as a message of the stream of answers."""
        answered = self._answers.appended(batch, texts, predictions, lambda row: f"row {first + row + 1}: ")
        return bytes(answered.serialize())


def write_parquet(stream: Path, path: Path) -> None:
    """Convert a stream of answers to Parquet."""
    with (
        pyarrow.OSFile(str(stream)) as file,
        ipc.open_stream(file) as batches,
        parquet.ParquetWriter(path, batches.schema) as writer,
    ):
        write_batches(writer, batches)


def write_batches(writer: parquet.ParquetWriter, batches: Iterable[Any]) -> None:
    """Write record batches in groups of rows that are large enough to be read fast, and small enough for memory."""
    held: list[Any] = []
    for batch in batches:
        held.append(batch)
        if sum(b.num_rows for b in held) >= _ROW_GROUP_ROWS or sum(b.nbytes for b in held) >= _ROW_GROUP_BYTES:
            writer.write_table(pyarrow.Table.from_batches(held))
            held = []
    if held:
        writer.write_table(pyarrow.Table.from_batches(held))
