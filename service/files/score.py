"""Scores a file without a server, with all cores: windows of records, in order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from service.choice import Choice
from service.cores import available_cores
from service.errors import RequestError
from service.files import FORMATS
from service.files.answering import Summary, answer
from service.files.delimited import DelimitedFormat
from service.files.part import ScoreError
from service.files.reading import Gunzip
from service.files.record import Format, Options, Position, Record
from service.inference.predictor import Prediction
from service.problems import problem_fields

if TYPE_CHECKING:
    from service.files.parquet import ParquetTable

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".txt": "text",
    ".parquet": "parquet",
}
"""Formats by the suffix of a file, before `.gz` if it has that too."""

WINDOW_RECORDS = 512
"""Records that are written together: enough for texts of like length to find each other."""

WINDOW_BYTES = 4_000_000
_WINDOWS_AHEAD = 2
_TASK_TEXTS = 64
_CHUNK_BYTES = 65_536
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Window:
    """Some records of the input.

    Attributes:
        texts: of those that have one.
        answer: makes the answers to all of them of the predictions for `texts`.
        after: where reading can be taken up after them, or None where it cannot.
        read: how much of the input was read so far, in the units of its `length`.
    """

    texts: list[str]
    answer: Callable[[Sequence[Prediction]], bytes]
    after: Position | None
    read: int


class Source(Protocol):
    """An input. Interrupted and taken up again it gives the windows that it would have given."""

    length: int
    summary: Summary

    def windows(self) -> Iterator[Window]:
        """Its records in order; the last window may be empty."""

    def head(self) -> bytes:
        """What the output begins with; known after the first window."""

    def tail(self) -> bytes:
        """What the output ends with."""

    def state(self) -> dict[str, Any]:
        """What must be known to take it up again."""


class Sink(Protocol):
    """An output."""

    def write(self, data: bytes) -> None:
        """Adds a piece."""

    def checkpoint(self, position: Position, state: dict[str, Any]) -> None:
        """Tells that all before this place of the input is written."""


class RecordSource:
    """NDJSON, CSV or lines, plain or compressed with gzip.

    Args:
        name: of the format.
        stream: the input, at its start.
        length: its size in bytes; 0 if unknown.
        options: for the format.
        start: where to take it up.
        state: of the run that left it there.
    """

    def __init__(
        self, name: str, stream: BinaryIO, length: int, options: Options, start: Position, state: dict[str, Any]
    ) -> None:
        self.length = length
        self.summary = Summary(**state.get("summary", {}))
        self._stream = stream
        self._start = start
        self._read = 0
        self._header = state.get("header", "").encode("latin-1")
        self._format: Format
        if name == "csv":
            self._format = DelimitedFormat(options, start, self._header)
        else:
            self._format = FORMATS[name](options, start)

    def windows(self) -> Iterator[Window]:
        """Windows of `WINDOW_RECORDS`, or of fewer long ones."""
        records: list[Record] = []
        size = 0
        for record in self._records():
            records.append(record)
            size += len(record.raw)
            if len(records) >= WINDOW_RECORDS or size >= WINDOW_BYTES:
                yield self._window(records)
                records, size = [], 0
        yield self._window(records)

    def head(self) -> bytes:
        """As the format has it."""
        return self._format.head()

    def tail(self) -> bytes:
        """As the format has it."""
        return self._format.tail(self.summary.fields())

    def state(self) -> dict[str, Any]:
        """The counts, and the header of CSV."""
        header = self._format.header if isinstance(self._format, DelimitedFormat) else b""
        counts = {"scored": self.summary.scored, "errors": self.summary.errors}
        return {"summary": counts, "header": header.decode("latin-1")}

    def _window(self, records: list[Record]) -> Window:
        texts = [record.text for record in records if not record.error]
        return Window(texts, partial(self._answer, records), records[-1].after if records else None, self._read)

    def _answer(self, records: list[Record], predictions: Sequence[Prediction]) -> bytes:
        return answer(self._format, records, predictions, problem_fields, self.summary)

    def _records(self) -> Iterator[Record]:
        for chunk in self._chunks():
            yield from filter(None, self._format.feed(chunk))
        yield from filter(None, self._format.finish())

    def _chunks(self) -> Iterator[bytes]:
        """The expanded input from the start on."""
        chunk = self._stream.read(_CHUNK_BYTES)
        gunzip = Gunzip() if chunk.startswith(_GZIP) else None
        skip = self._start.offset
        if skip and not gunzip:
            self._read = self._stream.seek(skip)
            chunk, skip = self._stream.read(_CHUNK_BYTES), 0
        while chunk:
            self._read += len(chunk)
            for piece in gunzip.feed(chunk) if gunzip else (chunk,):
                if skip < len(piece):
                    yield piece[skip:]
                skip = max(0, skip - len(piece))
            chunk = self._stream.read(_CHUNK_BYTES)
        if gunzip:
            gunzip.finish()


class TableSource:
    """Parquet; its length is in rows, and its output becomes Parquet in the end.

    Args:
        table: the input.
        start: where to take it up.
        state: of the run that left it there.
    """

    def __init__(self, table: "ParquetTable", start: Position, state: dict[str, Any]) -> None:
        self.length = table.rows
        self.summary = Summary(**state.get("summary", {}))
        self._table = table
        self._start = start

    def windows(self) -> Iterator[Window]:
        """Windows of `WINDOW_RECORDS` rows."""
        for first, batch, checked in self._table.batches(WINDOW_RECORDS, self._start.offset):
            texts = [text for text in checked if not isinstance(text, RequestError)]
            after = first + batch.num_rows
            yield Window(texts, partial(self._answer, first, batch, checked), Position(after, after), after)
        yield Window([], lambda _: b"", None, self.length)

    def head(self) -> bytes:
        """The schema."""
        return self._table.head()

    def tail(self) -> bytes:
        """Nothing."""
        return b""

    def state(self) -> dict[str, Any]:
        """The counts."""
        return {"summary": {"scored": self.summary.scored, "errors": self.summary.errors}}

    def _answer(
        self, first: int, batch: Any, checked: Sequence[str | RequestError], predictions: Sequence[Prediction]
    ) -> bytes:
        self.summary.scored += len(predictions)
        self.summary.errors += len(checked) - len(predictions)
        return self._table.answer(first, batch, checked, predictions)


def open_table(path: Path, options: Options) -> "ParquetTable":
    """A Parquet file.

    Raises:
        ScoreError: what reads it is not installed.
        InvalidRequestError: it is none, or has no texts.
    """
    try:
        from service.files.parquet import ParquetTable  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError as error:
        raise ScoreError("Parquet needs the extra 'parquet': pip install 'conv1d-sentiment[parquet]'") from error
    return ParquetTable(path, options)


def run(source: Source, sink: Sink, choice: Choice, is_new: bool, progress: Callable[[int], None]) -> None:
    """Scores all of a source.

    Args:
        source: gives the texts.
        sink: takes the answers.
        choice: of the models that score them.
        is_new: whether the output has to be begun.
        progress: told how much of the source was read for what is written.
    """
    pool = ThreadPoolExecutor(available_cores())
    ahead: deque[tuple[Window, Callable[[], list[Prediction]]]] = deque()

    def write() -> None:
        nonlocal is_new
        window, predictions = ahead.popleft()
        data = window.answer(predictions())
        sink.write(source.head() + data if is_new else data)
        is_new = False
        if window.after:
            sink.checkpoint(window.after, source.state())
        progress(window.read)

    try:
        for window in source.windows():
            ahead.append((window, _begin(pool, choice, window.texts)))
            if len(ahead) > _WINDOWS_AHEAD:
                write()
        while ahead:
            write()
        sink.write(source.tail())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(pool: ThreadPoolExecutor, choice: Choice, texts: list[str]) -> Callable[[], list[Prediction]]:
    """Has the pool score texts, those of like length together; gives what waits for the predictions, in order."""
    by_length = sorted(range(len(texts)), key=lambda position: len(texts[position]))
    futures: list[Future[list[Prediction]]] = [
        pool.submit(choice.predict, [texts[position] for position in by_length[start : start + _TASK_TEXTS]])
        for start in range(0, len(texts), _TASK_TEXTS)
    ]

    def predictions() -> list[Prediction]:
        scored = [prediction for future in futures for prediction in future.result()]
        placed = dict(zip(by_length, scored, strict=True))
        return [placed[position] for position in range(len(texts))]

    return predictions
