"""Who runs when: texts wait in one place, and threads take them in batches, so that the event loop never computes."""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.errors import OverloadedError, ShuttingDownError
from service.inference.inputs import Batch
from service.inference.session import in_order
from service.inference.tokenizer import Encoded

BATCH_SIZE = 32
"""Texts that a thread takes at a time."""


Text_contra = TypeVar("Text_contra", bound=Sized, contravariant=True)
Answer = TypeVar("Answer")


class Predicts(Protocol[Text_contra, Answer]):
    """The part of `Predictor` that is needed here: only `run` takes long, and only it is called on a thread.

    A text is whatever `encode` takes, and has a length; an answer is what `predictions` makes of it.
    """

    def encode(self, texts: Sequence[Text_contra]) -> list[Encoded]:
        """The texts as token ids."""

    def batches(self, encoded: Sequence[Encoded]) -> list[Batch]:
        """The encoded texts as inputs of the graph."""

    def run(self, batch: Batch) -> NDArray[np.float32]:
        """Probabilities of a batch, float32[rows]."""

    def predictions(self, encoded: Sequence[Encoded], probabilities: NDArray[np.float32]) -> list[Answer]:
        """What the probabilities, float32[n], say of the n encoded texts."""


@dataclass(eq=False, slots=True)
class _Entry:
    """Texts of one request that wait together."""

    predictor: Predicts[Any, Any]
    texts: Sequence[Any]
    future: asyncio.Future[list[Any]]  # cancelled when the caller left or its time ran out
    enqueued: float = field(default_factory=perf_counter)


@dataclass(eq=False, slots=True)
class Job:
    """Entries that a thread computes together, and how that went; times are those of `time.perf_counter`."""

    predictor: Predicts[Any, Any]
    lane: "_Lane"
    entries: Sequence[_Entry]
    taken: float = field(default_factory=perf_counter)
    encoded: Sequence[Encoded] = ()
    batches: Sequence[Batch] = ()
    ready: float = 0.0  # tokenized
    started: float = 0.0  # on a thread
    ended: float = 0.0
    outputs: list[NDArray[np.float32]] = field(default_factory=list)
    predictions: Sequence[Any] = ()
    error: Exception | None = None

    def waits(self) -> list[float]:
        """Seconds that each entry waited, for its turn and for a thread."""
        return [self.taken - entry.enqueued + self.started - self.ready for entry in self.entries]


class _Lane:
    """Entries of one urgency, waiting, and the jobs made of them.

    Args:
        jobs: how many may be made ready or running at a time.
    """

    def __init__(self, jobs: int) -> None:
        self.free = jobs
        self.entries: deque[_Entry] = deque()
        self.queued = 0  # texts in entries
        self.jobs: deque[Job] = deque()

    def add(self, entry: _Entry) -> None:
        self.entries.append(entry)
        self.queued += len(entry.texts)

    def take(self) -> list[_Entry]:
        """The oldest entries of one model, a free thread's share of all that wait but no more than a batch.

        Those whose callers left are dropped.
        """
        taken: list[_Entry] = []
        size = 0
        share = min(BATCH_SIZE, -(-self.queued // self.free))
        while self.entries:
            entry = self.entries[0]
            if not entry.future.cancelled():
                if taken and (entry.predictor is not taken[0].predictor or size + len(entry.texts) > share):
                    break
                taken.append(entry)
                size += len(entry.texts)
            self.entries.popleft()
            self.queued -= len(entry.texts)
        return taken


class Scheduler:
    """Batches the texts of all requests and computes them on its own threads.

    A free thread takes what is waiting, up to a batch, and finds one more made ready: under load batches fill by
    themselves, and at rest nobody waits for company. All but the runs of the graph happens on the event loop: the
    graph leaves Python alone, while two threads of Python code would only take turns. Each entry carries its own
    future: a caller that left is skipped, and a failed batch fails its members and no one else.

    There are two lanes: small requests, and the bulk of large ones and streams. A bulk batch stands back for a small
    request after each run of the graph (a quarter of the batch), and takes turns with them when there are always some.

    Args:
        threads: inference threads.
        max_waiting: texts, streams' apart, that may be queued or in work; more are refused.
        observe: told of each finished job.
    """

    def __init__(self, threads: int, max_waiting: int, observe: Callable[[Job], None] | None = None) -> None:
        self._threads = [
            threading.Thread(target=self._work, name=f"inference-{i}", daemon=True) for i in range(threads)
        ]
        # One job more than can run is made ready, so that no thread waits for the next.
        self._small = _Lane(threads + 1)
        self._bulk = _Lane(threads + 1)
        self._wakes: queue.SimpleQueue[bool] = queue.SimpleQueue()  # one for each job made ready; False ends a thread
        self._max_waiting = max_waiting
        self._observe = observe
        self._admitted = 0  # texts of callers that may be refused
        self._closed = False
        self._loop: asyncio.AbstractEventLoop
        self.waiting = 0
        """Texts of all callers that are queued or in work."""

    def start(self) -> None:
        """Starts the threads; called on the event loop that will ask."""
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()

    async def close(self) -> None:
        """Takes no more requests, answers those it has, and ends the threads."""
        self._closed = True
        while self.waiting:  # noqa: ASYNC110 (an event for this one wait would have to be kept on every request)
            await asyncio.sleep(0.01)
        for _ in self._threads:
            self._wakes.put(False)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    async def predict(
        self, predictor: Predicts[Text_contra, Answer], texts: Sequence[Text_contra], bulk: bool = False
    ) -> list[Answer]:
        """A prediction for each text, in order. Cancelled, it gives up its place.

        Args:
            predictor: of the model asked for.
            texts: that have passed `check_text`.
            bulk: whether small requests go first, as they do before a large one in any case. A stream bounds its own
                share of what waits, so it is neither refused nor counted.

        Raises:
            OverloadedError: too much is waiting already; nothing was queued.
            ShuttingDownError: the scheduler is closed.
        """
        if self._closed:
            raise ShuttingDownError("The service is shutting down.")
        admitted = 0 if bulk else len(texts)
        if admitted and self._admitted and self._admitted + admitted > self._max_waiting:
            raise OverloadedError(f"{self._admitted:,} texts are waiting already; try again shortly.")
        self._admitted += admitted
        self.waiting += len(texts)
        try:
            if len(texts) <= BATCH_SIZE:
                return await self._enqueue(self._bulk if bulk else self._small, predictor, texts)
            return await self._in_turns(predictor, texts)
        finally:
            self._admitted -= admitted
            self.waiting -= len(texts)

    async def _in_turns(self, predictor: Predicts[Text_contra, Answer], texts: Sequence[Text_contra]) -> list[Answer]:
        """A large request, a few batches at a time: others find a place between them. Like lengths go together."""
        ahead = 2 * len(self._threads)  # one batch in work and one ready for each thread
        by_length = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        futures: list[asyncio.Future[list[Answer]]] = []
        try:
            for start in range(0, len(texts), BATCH_SIZE):
                if len(futures) >= ahead:
                    await futures[-ahead]
                chunk = [texts[position] for position in by_length[start : start + BATCH_SIZE]]
                futures.append(self._enqueue(self._bulk, predictor, chunk))
            predictions = [prediction for future in futures for prediction in await future]
            placed = dict(zip(by_length, predictions, strict=True))
            return [placed[position] for position in range(len(texts))]
        finally:
            for future in futures:
                if not future.cancel() and not future.cancelled():
                    future.exception()  # seen: if it is one, the first of them is on its way to the caller

    def _enqueue(
        self, lane: _Lane, predictor: Predicts[Text_contra, Answer], texts: Sequence[Text_contra]
    ) -> asyncio.Future[list[Answer]]:
        entry = _Entry(predictor, texts, self._loop.create_future())
        lane.add(entry)
        if lane.free and len(lane.entries) == 1:
            self._loop.call_soon(self._dispatch, lane)  # after whatever else the loop has ready, which may join
        return entry.future

    def _dispatch(self, lane: _Lane) -> None:
        """Makes jobs of what waits, as many as the lane may have."""
        while lane.free and lane.entries:
            entries = lane.take()
            if not entries:
                return
            job = Job(entries[0].predictor, lane, entries)
            lane.free -= 1
            try:
                job.encoded = job.predictor.encode([text for entry in entries for text in entry.texts])
                job.batches = job.predictor.batches(job.encoded)
            except Exception as error:
                job.error = error
                self._loop.call_soon(self._finish, job)
            else:
                job.ready = perf_counter()
                lane.jobs.append(job)
                self._wakes.put(True)

    def _work(self) -> None:
        """A thread: computes jobs until told to stop. After a small one it is the turn of the bulk."""
        lanes = [self._small, self._bulk]
        while self._wakes.get():
            if job := _next_job(lanes):
                self._compute(job)
                lanes = [self._bulk, self._small] if job.lane is self._small else [self._small, self._bulk]

    def _compute(self, job: Job) -> None:
        job.started = perf_counter()
        try:
            if not all(entry.future.cancelled() for entry in job.entries):
                for batch in job.batches:
                    job.outputs.append(job.predictor.run(batch))
                    if job.lane is self._bulk and (small := _next_job([self._small])):
                        self._compute(small)  # its wake finds no job, later
        except Exception as error:
            job.error = error
        job.ended = perf_counter()
        self._loop.call_soon_threadsafe(self._finish, job)

    def _finish(self, job: Job) -> None:
        """Hands each entry its part of a finished job, or its error."""
        job.lane.free += 1
        self._dispatch(job.lane)  # first of all: the thread is waiting
        if job.outputs and not job.error:
            try:
                job.predictions = job.predictor.predictions(job.encoded, in_order(job.batches, job.outputs))
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
                entry.future.set_result(list(job.predictions[start:end]))
            start = end
        if self._observe:
            self._observe(job)


def _next_job(lanes: Sequence[_Lane]) -> Job | None:
    """The oldest job of the first lane that has one; called on any thread."""
    for lane in lanes:
        try:
            return lane.jobs.popleft()
        except IndexError:
            pass
    return None
