"""The response of `POST /predict/batch`: it reads a file and sends the answers at the same time, in order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from time import monotonic

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from service.api.delivery import Answer, Delivery
from service.api.spool import Spool, SpoolBudget
from service.errors import NoBodyError, ServiceError, ShuttingDownError, StalledError
from service.files.answering import Summary, answer
from service.files.reading import Reader
from service.files.record import Format, Record
from service.inference.batching import STREAM_WINDOW_BYTES, STREAM_WINDOW_TEXTS, STREAM_WINDOWS_AHEAD
from service.inference.predictor import Prediction
from service.problems import problem_fields

logger = logging.getLogger("service")

_TURN_SECONDS = 0.001
"""Time after which the reader yields to other tasks of the event loop."""

_MORE_SECONDS = 0.002
"""Time for more of the file to come before a window that is not full is scored."""


class BatchStream:
    """A response that reads the request while it is sent.

    One task reads: it stops when `STREAM_WINDOWS_AHEAD` windows wait to be sent or kept, and then no more is read from
    the connection either. Another task writes what is scored. The end of either ends both.

    A file that is cut off (it stalls, it is damaged, the service stops) has an error as its last answer and a summary
    with `complete: false`, and its connection is broken, so that no client takes the answer for complete. With the
    delivery `WHOLE` the answer is a problem with a status instead.

    Args:
        receive: receives the body of the request.
        file_format: format of the file and of its answers.
        reader: reader of the file, with that format.
        predict: scores texts, in order.
        delivery: the time at which the answers are sent.
        budget: budget of the answers that are kept.
        compress: whether to compress the answers with gzip.
        idle_seconds: time without data from the client, or without reading by it, after which the stream ends.
        stopping: once set, no more is read, and the records that were read are answered.
    """

    def __init__(
        self,
        receive: Receive,
        file_format: Format,
        reader: Reader,
        predict: Callable[[Sequence[str]], Awaitable[Sequence[Prediction]]],
        *,
        delivery: Delivery,
        budget: SpoolBudget,
        compress: bool,
        idle_seconds: float,
        stopping: asyncio.Event | None = None,
    ) -> None:
        self._receive = receive
        self._format = file_format
        self._reader = reader
        self._predict = predict
        self._delivery = delivery
        self._budget = budget
        self._compress = compress
        self._idle_seconds = idle_seconds
        self._stopping = stopping
        self._waiting: asyncio.Timeout | None = None  # for the client to send more
        self._records: Iterator[Record | None] = iter(())  # of the last chunk
        self._size = 0  # bytes that came
        self._ended = False
        self._summary = Summary()
        self._cut_off: ServiceError | None = None

    async def begin(self) -> None:
        """Read until the format is certain that it can answer the file.

        Raises:
            ServiceError: the file cannot be answered.
            ClientDisconnect: the client left.
        """
        while not (self._format.ready or self._ended):
            await self._next_chunk()
            for record in self._records:
                if record:
                    self._records = chain((record,), self._records)
                if self._format.ready:
                    break
                await asyncio.sleep(0)
        if not self._size:
            raise NoBodyError("Send a file: NDJSON, CSV with a header, or one text a line.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (the body has its own)
        """Respond.

        Raises:
            ServiceError: the file was cut off.
        """
        has_trailers = "http.response.trailers" in scope.get("extensions", {})
        try:
            with Spool(self._budget) as spool:
                response = Answer(
                    send,
                    self._delivery,
                    spool,
                    media_type=self._format.answer_media_type,
                    compress=self._compress,
                    idle_seconds=self._idle_seconds,
                    has_trailers=has_trailers,
                )
                await self._respond(response)
        except* ClientDisconnect:
            logger.debug("a client left its stream")
        if self._cut_off:
            raise self._cut_off

    async def _respond(self, response: Answer) -> None:
        async with asyncio.TaskGroup() as group:
            windows: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(STREAM_WINDOWS_AHEAD)
            helping = [group.create_task(self._read(windows, group))]
            if self._stopping:
                helping.append(group.create_task(self._stop_when(self._stopping)))
            try:
                await response.write(self._format.head())
                while window := await windows.get():
                    if self._ended:
                        await response.release()
                    await response.write(await window)
                await self._end(response)
            except ServiceError as error:  # the answer cannot be kept
                self._cut_off = error
            for task in helping:
                task.cancel()

    async def _end(self, response: Answer) -> None:
        if self._cut_off and self._delivery is Delivery.WHOLE:
            return
        notes = [*self._format.notes, *self._summary.notes(self._format.options)]
        summary = self._summary.fields(notes)
        await response.write(self._format.tail(summary))
        if self._cut_off:
            await response.release()
        else:
            await response.end(summary)

    async def _read(self, windows: "asyncio.Queue[asyncio.Task[bytes] | None]", group: asyncio.TaskGroup) -> None:
        """Read windows and queue the tasks that score them; then wait for the client to leave."""
        window: list[Record] = []
        size = 0
        try:
            while True:
                turn = monotonic()
                for record in self._records:
                    if record:
                        window.append(record)
                        size += len(record.raw)
                    if len(window) >= STREAM_WINDOW_TEXTS or size >= STREAM_WINDOW_BYTES:
                        await windows.put(group.create_task(self._score(window)))
                        window, size = [], 0
                    if monotonic() - turn > _TURN_SECONDS:
                        await asyncio.sleep(0)
                        turn = monotonic()
                if window and not self._ended and await self._next_is_soon():
                    continue
                if window:  # there is no more for now
                    await windows.put(group.create_task(self._score(window)))
                    window, size = [], 0
                if self._ended:
                    break
                await self._next_chunk()
        except ServiceError as error:
            self._summary.complete = False
            self._cut_off = error
            window.append(Record(self._format.position.lines + 1, "", error))
            await windows.put(group.create_task(self._score(window)))
        await windows.put(None)
        while True:
            if (await self._receive())["type"] == "http.disconnect":
                raise ClientDisconnect

    async def _next_is_soon(self) -> bool:
        """Receive more of the body if it comes within `_MORE_SECONDS`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_MORE_SECONDS):
                await self._next_chunk()
                return True
        return False

    async def _next_chunk(self) -> None:
        """Receive more of the body.

        Raises:
            StalledError, ShuttingDownError, ClientDisconnect: no more will arrive.
        """
        if self._stopping and self._stopping.is_set():
            raise _shutting_down()
        try:
            async with asyncio.timeout(self._idle_seconds) as self._waiting:
                message = await self._receive()
        except TimeoutError as error:
            if self._stopping and self._stopping.is_set():
                raise _shutting_down() from error
            raise StalledError(f"Nothing came for {self._idle_seconds:g} seconds; the file is cut off here.") from error
        finally:
            self._waiting = None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        self._size += len(chunk)
        self._records = self._reader.feed(chunk)
        if not message.get("more_body", False):
            self._ended = True
            self._records = chain(self._records, self._reader.finish())

    async def _stop_when(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        if self._waiting:
            self._waiting.reschedule(0)

    async def _score(self, records: list[Record]) -> bytes:
        """Score a window and write its answers."""
        texts = [record.text for record in records if not record.error]
        predictions: Sequence[Prediction] = ()
        if texts:
            try:
                predictions = await self._predict(texts)
            except Exception as error:
                if not isinstance(error, ServiceError):
                    logger.exception("a window failed")
                records = [record if record.error else replace(record, error=error) for record in records]
        return answer(self._format, records, predictions, problem_fields, self._summary)


def _shutting_down() -> ShuttingDownError:
    return ShuttingDownError("The service is shutting down; send the rest of the file again.")
