"""Who runs when: a bounded queue in front of the inference threads, so that the event loop never computes."""

import asyncio
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from service.errors import DeadlineError, OverloadedError, ShuttingDownError
from service.predictor import Prediction

CHUNK_SIZE = 128
"""Texts of one request that are queued together: a large request takes turns with small ones."""

BATCH_TEXTS = 256
"""Texts that a thread takes from the queue at once, to tokenize and run them together."""


class Predicts(Protocol):
    """The part of `Predictor` that is needed here."""

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """A prediction for each text, in order."""


@dataclass(eq=False, slots=True)
class _Entry:
    predictor: Predicts
    texts: Sequence[str]
    future: asyncio.Future[list[Prediction]]  # cancelled when the caller left or its time ran out


class Scheduler:
    """Runs predictions on its own threads and answers on the event loop that asked.

    A thread takes all that is waiting, up to `BATCH_TEXTS`: under load batches grow by themselves, and at rest
    nobody waits for company. Each entry carries its own future: a caller that left is skipped, and a failed batch
    fails its members and no one else.

    Args:
        threads: inference threads.
        max_waiting: texts that may be queued or in work; more are refused.
        timeout_seconds: time after which a caller gets an error instead of an answer.
    """

    def __init__(self, threads: int, max_waiting: int, timeout_seconds: float) -> None:
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"inference-{i}") for i in range(threads)]
        self._max_waiting = max_waiting
        self._timeout_seconds = timeout_seconds
        self._waiting = 0
        self._closed = False

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Takes no more work, finishes what is queued, and ends the threads."""
        self._closed = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    async def predict(self, predictor: Predicts, texts: Sequence[str]) -> list[Prediction]:
        """A prediction for each text, in order.

        Raises:
            OverloadedError: too much is waiting already; nothing was queued.
            DeadlineError: the time ran out; what was queued is skipped.
            ShuttingDownError: the scheduler is closed.
        """
        if self._closed:
            raise ShuttingDownError("The service is shutting down.")
        if self._waiting + len(texts) > self._max_waiting and self._waiting:
            raise OverloadedError(f"{self._waiting:,} texts are waiting already; try again shortly.")
        self._waiting += len(texts)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if len(texts) <= CHUNK_SIZE:
                    return await self._enqueue(predictor, texts)
                chunks = [texts[i : i + CHUNK_SIZE] for i in range(0, len(texts), CHUNK_SIZE)]
                return await self._in_turns(predictor, chunks)
        except TimeoutError as error:
            raise DeadlineError(f"There was no answer within {self._timeout_seconds:g} seconds.") from error
        finally:
            self._waiting -= len(texts)

    async def _in_turns(self, predictor: Predicts, chunks: Sequence[Sequence[str]]) -> list[Prediction]:
        """As many chunks at a time as there are threads: others find a place between them."""
        predictions: list[Prediction] = []
        width = len(self._threads)
        for start in range(0, len(chunks), width):
            entries = [self._enqueue(predictor, chunk) for chunk in chunks[start : start + width]]
            for done in await asyncio.gather(*entries):
                predictions.extend(done)
        return predictions

    def _enqueue(self, predictor: Predicts, texts: Sequence[str]) -> asyncio.Future[list[Prediction]]:
        future: asyncio.Future[list[Prediction]] = asyncio.get_running_loop().create_future()
        self._queue.put(_Entry(predictor, texts, future))
        return future

    def _work(self) -> None:
        while (entry := self._queue.get()) is not None:
            entries, stop = self._with_company(entry)
            wanted = [e for e in entries if not e.future.cancelled()]
            for predictor in dict.fromkeys(e.predictor for e in wanted):
                _run(predictor, [e for e in wanted if e.predictor is predictor])
            if stop:
                return

    def _with_company(self, first: _Entry) -> tuple[list[_Entry], bool]:
        """The entry and those waiting behind it, and whether the end of the work was among them."""
        entries, size = [first], len(first.texts)
        while size < BATCH_TEXTS:
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                break
            if entry is None:
                return entries, True
            entries.append(entry)
            size += len(entry.texts)
        return entries, False


def _run(predictor: Predicts, entries: Sequence[_Entry]) -> None:
    """Computes the entries together and hands each its part, or each the error."""
    outcome: list[Prediction] | Exception
    try:
        outcome = predictor.predict([text for entry in entries for text in entry.texts])
    except Exception as error:
        outcome = error
    loop = entries[0].future.get_loop()
    loop.call_soon_threadsafe(_resolve, entries, outcome)


def _resolve(entries: Sequence[_Entry], outcome: list[Prediction] | Exception) -> None:
    start = 0
    for entry in entries:
        end = start + len(entry.texts)
        if not entry.future.done():
            if isinstance(outcome, Exception):
                entry.future.set_exception(outcome)
            else:
                entry.future.set_result(outcome[start:end])
        start = end
