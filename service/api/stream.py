"""A file in, its answers out, both at once: in order, and with a few batches between the two at the most."""

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from time import monotonic

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from service.errors import NoBodyError, ServiceError, ShuttingDownError, StalledError
from service.files.answering import Summary, answer
from service.files.plain import to_json
from service.files.reading import Reader
from service.files.record import Format, Record
from service.inference.predictor import Prediction
from service.problems import problem_fields
from service.scheduler import BATCH_SIZE

logger = logging.getLogger("service")

BATCH_BYTES = 256_000
"""Bytes of records at which a batch is full, however few they are."""

BATCHES_AHEAD = 4
"""Batches that are read and scored ahead of what the client has taken."""

SUMMARY_TRAILER = "X-Summary"

_TURN_SECONDS = 0.001
"""Time after which reading lets others have the event loop."""


class BatchStream:
    """A response that reads the request while it is sent.

    One task reads: it stops when `BATCHES_AHEAD` batches wait for the client to take them, and then no more is read
    from the connection either. One writes what is scored. What ends one of them ends all.

    Args:
        receive: gives the request's body.
        file_format: of the file and its answers.
        predict: scores texts, in order.
        compressed: whether the body is gzip.
        compress: whether the answer shall be.
        idle_seconds: time in which nothing came, or nothing was taken, after which it ends.
        stopping: when it is set, what was read is answered and no more is read.
    """

    def __init__(
        self,
        receive: Receive,
        file_format: Format,
        predict: Callable[[Sequence[str]], Awaitable[Sequence[Prediction]]],
        *,
        compressed: bool,
        compress: bool,
        idle_seconds: float,
        stopping: asyncio.Event | None = None,
    ) -> None:
        self._receive = receive
        self._format = file_format
        self._predict = predict
        self._reader = Reader(file_format, compressed)
        self._gzip = zlib.compressobj(1, wbits=31) if compress else None
        self._idle_seconds = idle_seconds
        self._stopping = stopping
        self._waiting: asyncio.Timeout | None = None  # for the client to send more
        self._records: Iterator[Record | None] = iter(())  # of the last chunk
        self._size = 0  # bytes that came
        self._ended = False
        self._summary = Summary()

    async def begin(self) -> None:
        """Reads until it is known that the file can be answered.

        Raises:
            ServiceError: it cannot.
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The response."""
        self._receive = receive
        has_trailers = "http.response.trailers" in scope.get("extensions", {})
        try:
            async with asyncio.TaskGroup() as group:
                batches: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(BATCHES_AHEAD)
                helping = [group.create_task(self._read(batches, group))]
                if self._stopping:
                    helping.append(group.create_task(self._stop_when(self._stopping)))
                await self._send_start(send, has_trailers)
                while batch := await batches.get():
                    await self._send_body(send, await batch)
                for task in helping:
                    task.cancel()
                await self._send_end(send, has_trailers)
        except* ClientDisconnect:
            logger.debug("a client left its stream")

    async def _read(self, batches: "asyncio.Queue[asyncio.Task[bytes] | None]", group: asyncio.TaskGroup) -> None:
        """Puts scored batches, or such that will be, into the queue; then waits for the client to leave."""
        batch: list[Record] = []
        size = 0
        try:
            while True:
                turn = monotonic()
                for record in self._records:
                    if record:
                        batch.append(record)
                        size += len(record.raw)
                    if len(batch) >= BATCH_SIZE or size >= BATCH_BYTES:
                        await batches.put(group.create_task(self._score(batch)))
                        batch, size = [], 0
                    if monotonic() - turn > _TURN_SECONDS:
                        await asyncio.sleep(0)
                        turn = monotonic()
                if batch:  # there is no more for now
                    await batches.put(group.create_task(self._score(batch)))
                    batch, size = [], 0
                if self._ended:
                    break
                await self._next_chunk()
        except ServiceError as error:
            self._summary.complete = False
            batch.append(Record(self._format.position.lines + 1, "", error))
            await batches.put(group.create_task(self._score(batch)))
        await batches.put(None)
        while True:
            if (await self._receive())["type"] == "http.disconnect":
                raise ClientDisconnect

    async def _next_chunk(self) -> None:
        """Waits for more of the body.

        Raises:
            StalledError, ShuttingDownError, ClientDisconnect: there will be none.
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
        """The answers to a batch."""
        texts = [record.text for record in records if not record.error]
        predictions: Sequence[Prediction] = ()
        if texts:
            try:
                predictions = await self._predict(texts)
            except Exception as error:
                if not isinstance(error, ServiceError):
                    logger.exception("a batch failed")
                records = [record if record.error else replace(record, error=error) for record in records]
        return answer(self._format, records, predictions, problem_fields, self._summary)

    async def _send_start(self, send: Send, has_trailers: bool) -> None:
        headers = {"Content-Type": self._format.answer_media_type, "Vary": "Accept-Encoding"}
        if self._gzip:
            headers["Content-Encoding"] = "gzip"
        if has_trailers:
            headers["Trailer"] = SUMMARY_TRAILER
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": encoded, "trailers": has_trailers})
        await self._send_body(send, self._format.head())

    async def _send_body(self, send: Send, body: bytes, more: bool = True) -> None:
        """Sends a part of the answer so that it arrives at once, as soon as the client has taken what was before it.

        Raises:
            ClientDisconnect: it takes nothing.
        """
        if self._gzip:
            body = self._gzip.compress(body) + self._gzip.flush(zlib.Z_SYNC_FLUSH if more else zlib.Z_FINISH)
        try:
            async with asyncio.timeout(self._idle_seconds):
                await send({"type": "http.response.body", "body": body, "more_body": more})
        except TimeoutError:
            raise ClientDisconnect from None

    async def _send_end(self, send: Send, has_trailers: bool) -> None:
        summary = self._summary.fields()
        await self._send_body(send, self._format.tail(summary), more=False)
        if has_trailers:
            trailers = [(SUMMARY_TRAILER.lower().encode(), to_json(summary).encode())]
            await send({"type": "http.response.trailers", "headers": trailers, "more_trailers": False})


def _shutting_down() -> ShuttingDownError:
    return ShuttingDownError("The service is shutting down; send the rest of the file again.")
