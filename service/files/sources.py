"""Sources of `score`: whole files as windows of records; reading can be resumed after each window."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from service.errors import RequestError, ServiceError
from service.files.answering import Summary, answer
from service.files.compression import GZIP_MAGIC
from service.files.formats import FORMATS
from service.files.reading import Reader
from service.files.record import Options, Position, Record
from service.inference.batching import SCORE_WINDOW_BYTES, SCORE_WINDOW_TEXTS
from service.inference.predictor import Prediction
from service.problems import problem_fields

if TYPE_CHECKING:
    from service.files.parquet import ParquetTable

_CHUNK_BYTES = 65_536


class ScoreError(ServiceError):
    """A file cannot be scored."""


@dataclass(frozen=True)
class Window:
    """Some records of the input.

    Attributes:
        texts: of those that have one.
        answer: makes the answers to all of them of the predictions for `texts`.
        after: where reading can be resumed after them, or None where it cannot.
        read: how much of the input was read so far, in the units of its `length`.
    """

    texts: list[str]
    answer: Callable[[Sequence[Prediction]], bytes]
    after: Position | None
    read: int


class Source(Protocol):
    """An input. Resumed, it gives the windows that it would have given."""

    length: int
    summary: Summary

    def windows(self) -> Iterator[Window]:
        """Read its records in order; the last window may be empty."""

    def head(self) -> bytes:
        """Return the beginning of the output; known after the first window."""

    def tail(self) -> bytes:
        """Return the end of the output."""

    def notes(self) -> list[str]:
        """Return remarks on the whole input, at its end."""

    def state(self) -> dict[str, Any]:
        """Return what must be known to resume it."""


class RecordSource:
    """NDJSON, JSON, CSV or lines, plain or compressed with gzip, in any encoding.

    Args:
        name: of the format.
        stream: the input, at its start.
        length: its size in bytes; 0 if unknown.
        options: for the format.
        encoding: of the input, from `encoding_named`; None to detect it.
        start: where to resume it.
        state: of the run that left it there.
    """

    def __init__(
        self,
        name: str,
        stream: BinaryIO,
        length: int,
        options: Options,
        encoding: str | None,
        start: Position,
        state: dict[str, Any],
    ) -> None:
        self.length = length
        self.summary = Summary(**state.get("summary", {}))
        self._stream = stream
        self._start = start
        self._raw = bool(state.get("raw"))
        self._encoding = encoding
        self._read = 0
        self.format = FORMATS[name](options, start, state.get("header", "").encode("latin-1"))
        self._reader: Reader

    def windows(self) -> Iterator[Window]:
        """Read windows of `SCORE_WINDOW_TEXTS`, or of fewer long ones."""
        yield from map(self._window, self.batches())

    def batches(self) -> Iterator[list[Record]]:
        """Read the records of each window."""
        records: list[Record] = []
        size = 0
        for record in self._records():
            records.append(record)
            size += len(record.raw)
            if len(records) >= SCORE_WINDOW_TEXTS or size >= SCORE_WINDOW_BYTES:
                yield records
                records, size = [], 0
        yield records

    def head(self) -> bytes:
        """Return the beginning of the format's answers."""
        return self.format.head()

    def tail(self) -> bytes:
        """Return the end of the format's answers."""
        return self.format.tail(self.summary.fields(self.notes()))

    def notes(self) -> list[str]:
        """Return remarks on the format and on the words that the model knows."""
        return [*self.format.notes, *self.summary.notes(self.format.options)]

    def state(self) -> dict[str, Any]:
        """Return the counts, the header, and whether reading can begin in the middle of the file."""
        header = self.format.header.decode("latin-1")
        return {"summary": self.summary.state(), "header": header, "raw": self._reader.raw}

    def _window(self, records: list[Record]) -> Window:
        texts = [record.text for record in records if not record.error]
        return Window(texts, partial(self._answer, records), records[-1].after if records else None, self._read)

    def _answer(self, records: list[Record], predictions: Sequence[Prediction]) -> bytes:
        return answer(self.format, records, predictions, problem_fields, self.summary)

    def _records(self) -> Iterator[Record]:
        chunk = self._stream.read(_CHUNK_BYTES)
        compressed = chunk.startswith(GZIP_MAGIC)
        self._reader = Reader(self.format, compressed, self._encoding, self._start, self._raw)
        if self._raw:
            self._read = self._stream.seek(self._start.offset)
            chunk = self._stream.read(_CHUNK_BYTES)
        while chunk:
            self._read += len(chunk)
            yield from filter(None, self._reader.feed(chunk))
            chunk = self._stream.read(_CHUNK_BYTES)
        yield from filter(None, self._reader.finish())


class TableSource:
    """Parquet; its length is in rows, and its output becomes Parquet in the end.

    Args:
        table: the input.
        options: how it is read.
        start: where to resume it.
        state: of the run that left it there.
    """

    def __init__(self, table: "ParquetTable", options: Options, start: Position, state: dict[str, Any]) -> None:
        self.length = table.rows
        self.summary = Summary(**state.get("summary", {}))
        self._table = table
        self._options = options
        self._start = start

    def windows(self) -> Iterator[Window]:
        """Read windows of `SCORE_WINDOW_TEXTS` rows."""
        for first, batch, checked in self._table.batches(SCORE_WINDOW_TEXTS, self._start.offset):
            texts = [text for text in checked if not isinstance(text, RequestError)]
            after = first + batch.num_rows
            yield Window(texts, partial(self._answer, first, batch, checked), Position(after, after), after)
        yield Window([], lambda _: b"", None, self.length)

    def head(self) -> bytes:
        """Return the schema."""
        return self._table.head()

    def tail(self) -> bytes:
        """Return nothing."""
        return b""

    def notes(self) -> list[str]:
        """Return a remark on the words that the model knows."""
        return self.summary.notes(self._options)

    def state(self) -> dict[str, Any]:
        """Return the counts."""
        return {"summary": self.summary.state()}

    def _answer(
        self, first: int, batch: Any, checked: Sequence[str | RequestError], predictions: Sequence[Prediction]
    ) -> bytes:
        self.summary.count(checked, predictions)
        return self._table.answer(first, batch, checked, predictions)


def open_table(path: Path, options: Options) -> "ParquetTable":
    """Open a Parquet file.

    Raises:
        ScoreError: the library that reads it is not installed.
        InvalidRequestError: it is none, or has no texts.
    """
    try:
        from service.files.parquet import ParquetTable  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError as error:
        raise ScoreError("Parquet needs the extra 'parquet': pip install 'conv1d-sentiment[parquet]'") from error
    return ParquetTable(path, options)
