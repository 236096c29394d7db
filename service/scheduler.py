"""Texts wait in one place, and threads take them in jobs, so that the event loop computes nothing that takes long."""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.errors import ShuttingDownError
from service.inference.batching import (
    MAX_INLINE_CHARS,
    MAX_INLINE_SECONDS,
    MAX_JOB_CHARS,
    MAX_JOB_TEXTS,
    SCORE_JOB_TEXTS,
    by_length,
    restored,
)
from service.inference.inputs import Run
from service.inference.predictor import Predictor
from service.inference.session import in_order
from service.inference.tokenizers.tokenizer import Encoded
from service.scoring_jobs import ScoringJobs

Text_contra = TypeVar("Text_contra", bound=Sized, contravariant=True)
Answer = TypeVar("Answer")

Urgency = Literal["high", "normal", "low"]
"""The lane of texts: before all others, as they come, or behind the others as the bulk is."""


class Predicts(Protocol[Text_contra, Answer]):
    """The steps of a prediction. `compute` is called on a thread, unless `seconds` estimates a very short time.

    A text is whatever `encode` takes, and has a length; an answer is what `predictions` makes of it.
    """

    def encode(self, texts: Sequence[Text_contra]) -> list[Encoded]:
        """Turn texts into token ids."""

    def runs(self, encoded: Sequence[Encoded]) -> list[Run]:
        """Make the inputs of the graph for each run."""

    def seconds(self, run: Run) -> float:
        """Estimate the seconds that `compute` takes for a run; infinite to have it on a thread in any case."""

    def compute(self, run: Run) -> NDArray[np.float32]:
        """Compute the probabilities of a run, float32[rows]."""

    def predictions(self, encoded: Sequence[Encoded], probabilities: NDArray[np.float32]) -> list[Answer]:
        """Make the answers to n encoded texts of their probabilities, float32[n]."""


@dataclass(eq=False, slots=True)
class _Entry:
    """Texts of one request that wait together.

    Attributes:
        cost: characters of all texts.
        future: cancelled when the caller has left or its time has run out.
    """

    predictor: Predicts[Any, Any]
    texts: Sequence[Any]
    cost: int
    future: asyncio.Future[list[Any]]
    enqueued: float = field(default_factory=perf_counter)


@dataclass(eq=False, slots=True)
class Job:
    """Texts that are computed together, and the outcome.

    Attributes:
        texts: of all entries.
        enqueued: when each entry came, as a time of `time.perf_counter`.
        entries: wait for the outcome; none of a lone text that is computed at once.
        taken: start of tokenization; this and the next three are times of `time.perf_counter`.
        ready: end of tokenization.
        started: start of the first run.
        ended: end of the last run.
        lengths: token ids of each text.
    """

    predictor: Predicts[Any, Any]
    lane: "_Lane"
    texts: Sequence[Any]
    enqueued: Sequence[float]
    entries: Sequence[_Entry] = ()
    taken: float = 0.0
    ready: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    encoded: Sequence[Encoded] = ()
    lengths: Sequence[int] = ()
    runs: Sequence[Run] = ()
    outputs: list[NDArray[np.float32]] = field(default_factory=list)
    predictions: Sequence[Any] = ()
    error: Exception | None = None

    def tokenize(self) -> None:
        """Make the inputs of all runs."""
        self.taken = perf_counter()
        self.encoded = self.predictor.encode(self.texts)
        self.lengths = [len(text.token_ids) for text in self.encoded]
        self.runs = self.predictor.runs(self.encoded)
        self.ready = perf_counter()

    def compute(self, between: Callable[[], None] | None = None) -> None:
        """Compute all runs.

        Args:
            between: called after each run.
        """
        self.started = perf_counter()
        for run in self.runs:
            self.outputs.append(self.predictor.compute(run))
            if between:
                between()
        self.ended = perf_counter()

    def waits(self) -> list[float]:
        """Compute the seconds that each entry waited, for its turn and for a thread."""
        return [self.taken - enqueued + self.started - self.ready for enqueued in self.enqueued]


class _Lane:
    """Waiting entries of one urgency, and the jobs made of them.

    Args:
        jobs: jobs that may be ready or running at a time.
    """

    def __init__(self, jobs: int) -> None:
        self.free = jobs
        self.entries: deque[_Entry] = deque()
        self.queued = 0  # texts in entries
        self.jobs: deque[Job] = deque()

    def add(self, entry: _Entry, *, first: bool) -> None:
        if first:
            self.entries.appendleft(entry)
        else:
            self.entries.append(entry)
        self.queued += len(entry.texts)

    def take(self) -> list[_Entry]:
        """Take the oldest entries of one model: a free thread's share of all that wait, but no more than a job.

        Entries whose callers have left are dropped.
        """
        taken: list[_Entry] = []
        texts = cost = 0
        share = min(MAX_JOB_TEXTS, -(-self.queued // self.free))
        while self.entries:
            entry = self.entries[0]
            if not entry.future.cancelled():
                texts += len(entry.texts)
                cost += entry.cost
                if taken and (entry.predictor is not taken[0].predictor or texts > share or cost > MAX_JOB_CHARS):
                    break
                taken.append(entry)
            self.entries.popleft()
            self.queued -= len(entry.texts)
        return taken


class Scheduler:
    """Group the texts of all requests into jobs and compute these on threads of its own.

    A free thread takes what is waiting, up to a job, and finds one more made ready: under load jobs fill by
    themselves, and at rest nobody waits for company. All but the runs of the graph happens on the event loop: the
    graph leaves Python alone, while two threads of Python code would only take turns. Only jobs of very long texts are
    tokenized on a thread, as no other request may wait for them. A lone text whose run takes `MAX_INLINE_SECONDS` at
    most is computed on the event loop as well: the way to a thread and back would take as long. Each entry carries its
    own future: a caller that left is skipped, and a failed job fails its members and no one else.

    There are three lanes: small requests, the bulk of large ones and streams, and before both whatever is urgent. A
    bulk job stands back for the others after each run of the graph, and takes turns with small requests when there are
    always some. Nothing takes turns with what is urgent. Where there are scoring processes, large requests and streams
    are computed by them, and by the threads only what they do not compute in time.

    Args:
        threads: inference threads.
        observe: called with each finished job.
        scoring: jobs of the scoring processes; None without these.
    """

    def __init__(
        self, threads: int, observe: Callable[[Job], None] | None = None, scoring: ScoringJobs | None = None
    ) -> None:
        self._threads = [
            threading.Thread(target=self._work, name=f"inference-{i}", daemon=True) for i in range(threads)
        ]
        # One job more than can run is made ready, so that no thread waits for the next.
        self._high = _Lane(threads + 1)
        self._small = _Lane(threads + 1)
        self._bulk = _Lane(threads + 1)
        self._lanes: dict[Urgency, _Lane] = {"high": self._high, "normal": self._small, "low": self._bulk}
        self._wakes: queue.SimpleQueue[bool] = queue.SimpleQueue()  # one for each job made ready; False ends a thread
        self._observe = observe
        self._scoring = scoring
        self._closed = False
        self._elsewhere = 0  # texts that scoring processes have
        self._loop: asyncio.AbstractEventLoop
        self.waiting = 0
        """Texts that are queued or in work."""

    def start(self) -> None:
        """Start the threads; called on the event loop that will call `predict`."""
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()

    async def close(self) -> None:
        """Refuse new texts, answer those that wait, and end the threads."""
        self._closed = True
        while self.waiting:  # noqa: ASYNC110 (an event for this one wait would have to be kept on every request)
            await asyncio.sleep(0.01)
        for _ in self._threads:
            self._wakes.put(False)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    async def predict(
        self, predictor: Predicts[Text_contra, Answer], texts: Sequence[Text_contra], urgency: Urgency = "normal"
    ) -> list[Answer]:
        """Compute an answer to each text, in order. Cancelled, it gives up its place.

        Args:
            predictor: of the model.
            texts: validated texts.
            urgency: lane of the texts; a request of several jobs is bulk in any case.

        Raises:
            ShuttingDownError: the scheduler is closed.
        """
        if self._closed:
            raise ShuttingDownError("The service is shutting down.")
        self.waiting += len(texts)
        try:
            cost = sum(map(len, texts))
            was_alone = self._is_alone() and cost <= MAX_INLINE_CHARS and urgency != "low"
            if was_alone:
                job = Job(predictor, self._lanes[urgency], texts, [perf_counter()])
                await asyncio.sleep(0)  # whatever else the event loop has ready comes first, and may be company
                if self._is_alone() and self._compute_at_once(job):
                    return list(job.predictions)
            if len(texts) == 1 or (len(texts) <= MAX_JOB_TEXTS and cost <= MAX_JOB_CHARS):
                return await self._enqueue(self._lanes[urgency], predictor, texts, cost, first=was_alone)
            return await self._predict_in_jobs(predictor, texts)
        finally:
            self.waiting -= len(texts)

    async def _predict_in_jobs(
        self, predictor: Predicts[Text_contra, Answer], texts: Sequence[Text_contra]
    ) -> list[Answer]:
        """Compute a large request, a few jobs at a time: others find a place between them. Like lengths go together."""
        scoring = self._scoring if isinstance(predictor, Predictor) else None
        ahead = scoring.at_a_time if scoring else 2 * len(self._threads)  # a job in work and one ready for each thread
        max_texts = SCORE_JOB_TEXTS if scoring else MAX_JOB_TEXTS
        order = by_length(texts)
        futures: list[asyncio.Future[list[Answer]]] = []
        try:
            for job, cost in _split([texts[position] for position in order], max_texts):
                if len(futures) >= ahead:
                    await futures[-ahead]
                if scoring:
                    futures.append(asyncio.ensure_future(self._score(scoring, predictor, job)))
                else:
                    futures.append(self._enqueue(self._bulk, predictor, job, cost))
            return restored(order, [answer for future in futures for answer in await future])
        finally:
            for future in futures:
                if not future.cancel() and not future.cancelled():
                    future.exception()  # seen: if it is one, the first of them is on its way to the caller

    async def _score(self, scoring: ScoringJobs, predictor: Any, texts: Sequence[Any]) -> list[Any]:
        """Have a job computed by a scoring process, or where none does by a thread."""
        enqueued = perf_counter()
        self._elsewhere += len(texts)
        try:
            scored = await scoring.score(predictor, texts)
        finally:
            self._elsewhere -= len(texts)
        if scored is None:
            smaller = [self._enqueue(self._bulk, predictor, *job) for job in _split(texts, MAX_JOB_TEXTS)]
            return [answer for answers in await asyncio.gather(*smaller) for answer in answers]
        if self._observe:
            job = Job(predictor, self._bulk, texts, [enqueued], lengths=scored.lengths, predictions=scored.predictions)
            job.taken, job.ready, job.started, job.ended = scored.taken, scored.ready, scored.ready, scored.ended
            self._observe(job)
        return scored.predictions

    def _enqueue(
        self,
        lane: _Lane,
        predictor: Predicts[Text_contra, Answer],
        texts: Sequence[Text_contra],
        cost: int,
        *,
        first: bool = False,
    ) -> asyncio.Future[list[Answer]]:
        entry = _Entry(predictor, texts, cost, self._loop.create_future())
        lane.add(entry, first=first)
        if lane.free and len(lane.entries) == 1:
            self._loop.call_soon(self._dispatch, lane)  # after whatever else the loop has ready, which may join
        return entry.future

    def _dispatch(self, lane: _Lane) -> None:
        """Make jobs of the waiting entries, as many as the lane may have."""
        while lane.free and lane.entries:
            entries = lane.take()
            if not entries:
                return
            texts = [text for entry in entries for text in entry.texts]
            job = Job(entries[0].predictor, lane, texts, [entry.enqueued for entry in entries], entries)
            if sum(entry.cost for entry in entries) <= MAX_INLINE_CHARS:
                try:
                    job.tokenize()
                except Exception as error:
                    job.error = error
                    self._answer(job)
                    continue
            lane.free -= 1
            lane.jobs.append(job)
            self._wakes.put(True)

    def _is_alone(self) -> bool:
        """Decide whether a text is the only one that this process has to compute."""
        return self.waiting - self._elsewhere == 1

    def _compute_at_once(self, job: Job) -> bool:
        """Compute the job of a lone text on the event loop, unless its run takes too long for that."""
        try:
            job.tokenize()
            if job.predictor.seconds(job.runs[0]) > MAX_INLINE_SECONDS:
                return False
            job.compute()
        except Exception as error:
            job.error = error
        self._conclude(job)
        if job.error:
            raise job.error
        return True

    def _work(self) -> None:
        """Compute jobs on a thread until told to stop. After a small job it is the turn of the bulk."""
        small_first = lanes = [self._high, self._small, self._bulk]
        bulk_first = [self._high, self._bulk, self._small]
        while self._wakes.get():
            if job := _next_job(lanes):
                self._compute(job)
                lanes = bulk_first if job.lane is self._small else small_first

    def _compute(self, job: Job) -> None:
        try:
            if not all(entry.future.cancelled() for entry in job.entries):
                if not job.ready:
                    job.tokenize()
                job.compute(self._compute_small if job.lane is self._bulk else None)
        except Exception as error:
            job.error = error
        self._loop.call_soon_threadsafe(self._finish, job)

    def _compute_small(self) -> None:
        """Compute a job that goes before the rest of a bulk job; its wake finds no job, later."""
        if job := _next_job([self._high, self._small]):
            self._compute(job)

    def _finish(self, job: Job) -> None:
        """Take note of a job that a thread has finished."""
        job.lane.free += 1
        self._dispatch(job.lane)  # first of all: the thread is waiting
        self._answer(job)

    def _conclude(self, job: Job) -> None:
        """Make the predictions of a job that has been computed, and let it be observed."""
        if job.outputs and not job.error:
            try:
                job.predictions = job.predictor.predictions(job.encoded, in_order(job.runs, job.outputs))
            except Exception as error:
                job.error = error
        if self._observe:
            self._observe(job)

    def _answer(self, job: Job) -> None:
        """Hand each entry its part of a finished job, or the error."""
        self._conclude(job)
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


def _split(texts: Sequence[Text_contra], max_texts: int) -> Iterator[tuple[list[Text_contra], int]]:
    """Divide texts into jobs, each with its cost in characters."""
    job: list[Text_contra] = []
    cost = 0
    for text in texts:
        if job and (len(job) == max_texts or cost + len(text) > MAX_JOB_CHARS):
            yield job, cost
            job, cost = [], 0
        job.append(text)
        cost += len(text)
    if job:
        yield job, cost


def _next_job(lanes: Sequence[_Lane]) -> Job | None:
    """Take the oldest job of the first lane that has one; called on any thread."""
    for lane in lanes:
        if lane.jobs:  # most are empty, and an exception for each would cost more
            try:
                return lane.jobs.popleft()
            except IndexError:  # another thread has taken it
                pass
    return None
