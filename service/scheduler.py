"""Who runs when: texts wait in one place, and threads take them in batches, so that the event loop never computes."""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from service.errors import DeadlineError, OverloadedError, ShuttingDownError
from service.predictor import Prediction
from service.session import Batch, in_order
from service.tokenizer import Encoded

BATCH_SIZE = 32
"""Texts that a thread takes at a time."""


class Predicts(Protocol):
    """The part of `Predictor` that is needed here: only `run` takes long, and only it is called on a thread."""

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """The texts as token ids."""

    def batches(self, encoded: Sequence[Encoded]) -> list[Batch]:
        """The encoded texts as inputs of the graph."""

    def run(self, batch: Batch) -> NDArray[np.float32]:
        """Probabilities of a batch, float32[rows]."""

    def predictions(self, encoded: Sequence[Encoded], probabilities: NDArray[np.float32]) -> list[Prediction]:
        """What the probabilities, float32[n], say of the n encoded texts."""


@dataclass(eq=False, slots=True)
class _Entry:
    """Texts of one request that wait together."""

    predictor: Predicts
    texts: Sequence[str]
    future: asyncio.Future[list[Prediction]]  # cancelled when the caller left or its time ran out


@dataclass(eq=False, slots=True)
class _Job:
    """Entries that a thread computes together."""

    predictor: Predicts
    entries: Sequence[_Entry]
    encoded: Sequence[Encoded] = ()
    batches: Sequence[Batch] = ()
    outputs: list[NDArray[np.float32]] = field(default_factory=list)
    error: Exception | None = None


class Scheduler:
    """Batches the texts of all requests and computes them on its own threads.

    A free thread takes what is waiting, up to a batch, and finds one more made ready: under load batches fill by
    themselves, and at rest nobody waits for company. All but the runs of the graph happens on the event loop: the
    graph leaves Python alone, while two threads of Python code would only take turns. Each entry carries its own
    future: a caller that left is skipped, and a failed batch fails its members and no one else.

    Args:
        threads: inference threads.
        max_waiting: texts that may be queued or in work; more are refused.
        timeout_seconds: time after which a caller gets an error instead of an answer.
    """

    def __init__(self, threads: int, max_waiting: int, timeout_seconds: float) -> None:
        self._threads = [
            threading.Thread(target=self._work, name=f"inference-{i}", daemon=True) for i in range(threads)
        ]
        self._free = threads + 1  # one job more than can run is made ready, so that no thread waits for the next
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._entries: deque[_Entry] = deque()
        self._max_waiting = max_waiting
        self._timeout_seconds = timeout_seconds
        self._queued = 0  # texts in entries
        self._waiting = 0  # texts of all callers
        self._closed = False
        self._loop: asyncio.AbstractEventLoop

    def start(self) -> None:
        """Starts the threads; called on the event loop that will ask."""
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()

    async def close(self) -> None:
        """Takes no more requests, answers those it has, and ends the threads."""
        self._closed = True
        while self._waiting:  # noqa: ASYNC110 (an event for this one wait would have to be kept on every request)
            await asyncio.sleep(0.01)
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    async def predict(self, predictor: Predicts, texts: Sequence[str], *, bulk: bool = False) -> list[Prediction]:  # noqa: ARG002
        """A prediction for each text, in order.

        Args:
            predictor: computes them.
            texts: have passed `check_text`.
            bulk: a part of a file, which may wait for requests that somebody waits for.

        Raises:
            OverloadedError: too much is waiting already; nothing was queued.
            DeadlineError: the time ran out; what was queued is skipped.
            ShuttingDownError: the scheduler is closed.
        """
        if self._closed:
            raise ShuttingDownError("The service is shutting down.")
        if self._waiting and self._waiting + len(texts) > self._max_waiting:
            raise OverloadedError(f"{self._waiting:,} texts are waiting already; try again shortly.")
        self._waiting += len(texts)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if len(texts) <= BATCH_SIZE:
                    return await self._enqueue(predictor, texts)
                return await self._in_turns(predictor, texts)
        except TimeoutError as error:
            raise DeadlineError(f"There was no answer within {self._timeout_seconds:g} seconds.") from error
        finally:
            self._waiting -= len(texts)

    async def _in_turns(self, predictor: Predicts, texts: Sequence[str]) -> list[Prediction]:
        """A large request, a few batches at a time: others find a place between them. Like lengths go together."""
        ahead = 2 * len(self._threads)  # one batch in work and one ready for each thread
        by_length = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        futures: list[asyncio.Future[list[Prediction]]] = []
        try:
            for start in range(0, len(texts), BATCH_SIZE):
                if len(futures) >= ahead:
                    await futures[-ahead]
                chunk = [texts[position] for position in by_length[start : start + BATCH_SIZE]]
                futures.append(self._enqueue(predictor, chunk))
            predictions = [prediction for future in futures for prediction in await future]
            placed = dict(zip(by_length, predictions, strict=True))
            return [placed[position] for position in range(len(texts))]
        finally:
            for future in futures:
                if not future.cancel() and not future.cancelled():
                    future.exception()  # seen: if it is one, the first of them is on its way to the caller

    def _enqueue(self, predictor: Predicts, texts: Sequence[str]) -> asyncio.Future[list[Prediction]]:
        entry = _Entry(predictor, texts, self._loop.create_future())
        self._entries.append(entry)
        self._queued += len(texts)
        if self._free and len(self._entries) == 1:
            self._loop.call_soon(self._dispatch)  # after whatever else the loop has ready, which may join
        return entry.future

    def _dispatch(self) -> None:
        """Gives every free thread a job, while there is something to do."""
        while self._free and self._entries:
            entries = self._next_entries()
            if not entries:
                return
            job = _Job(entries[0].predictor, entries)
            self._free -= 1
            try:
                job.encoded = job.predictor.encode([text for entry in entries for text in entry.texts])
                job.batches = job.predictor.batches(job.encoded)
            except Exception as error:
                job.error = error
                self._loop.call_soon(self._finish, job)
            else:
                self._jobs.put(job)

    def _next_entries(self) -> list[_Entry]:
        """The oldest entries of one model, a free thread's share of all that wait but no more than a batch.

        Those whose callers left are dropped.
        """
        taken: list[_Entry] = []
        size = 0
        share = min(BATCH_SIZE, -(-self._queued // self._free))
        while self._entries:
            entry = self._entries[0]
            if not entry.future.cancelled():
                if taken and (entry.predictor is not taken[0].predictor or size + len(entry.texts) > share):
                    break
                taken.append(entry)
                size += len(entry.texts)
            self._entries.popleft()
            self._queued -= len(entry.texts)
        return taken

    def _work(self) -> None:
        """A thread: computes jobs until told to stop."""
        while (job := self._jobs.get()) is not None:
            try:
                if not all(entry.future.cancelled() for entry in job.entries):
                    job.outputs = [job.predictor.run(batch) for batch in job.batches]
            except Exception as error:
                job.error = error
            self._loop.call_soon_threadsafe(self._finish, job)

    def _finish(self, job: _Job) -> None:
        """Hands each entry its part of a finished job, or its error."""
        self._free += 1
        self._dispatch()  # first of all: the thread is waiting
        predictions: list[Prediction] = []
        if job.outputs:
            try:
                predictions = job.predictor.predictions(job.encoded, in_order(job.batches, job.outputs))
            except Exception as error:
                job.error = error
        start = 0
        for entry in job.entries:
            end = start + len(entry.texts)
            if entry.future.done():
                pass  # its caller left meanwhile
            elif job.error:
                entry.future.set_exception(job.error)
            else:
                entry.future.set_result(predictions[start:end])
            start = end
