import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from time import perf_counter
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from service.errors import ShuttingDownError
from service.inference.batching import (
    MAX_INLINE_CHARS,
    MAX_INLINE_SECONDS,
    MAX_JOB_CHARS,
    MAX_JOB_TEXTS,
    SCORE_JOB_TEXTS,
)
from service.inference.bundle import open_bundle
from service.inference.inputs import Run
from service.inference.predictor import Prediction, Predictor
from service.inference.tokenizers.tokenizer import Encoded
from service.scheduler import Job, Scheduler, Urgency
from service.scoring_jobs import Scored, ScoringJobs
from tests.service.conftest import BundleFolder

URGENCIES: tuple[Urgency, ...] = ("high", "normal", "low")
Result = TypeVar("Result")


def prediction(text: str) -> Prediction:
    return Prediction(label=text, probability=0.5, words=1, known_words=1, truncated=False)


class Echo:
    """Answers with the texts as labels, in the steps of a predictor; stops or fails where it is told to."""

    def __init__(self) -> None:
        self.computed: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.failing = ""
        self.run_seconds = inf
        self.on_the_loop: list[bool] = []
        self._texts: dict[int, str] = {}

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        keys = range(len(self._texts), len(self._texts) + len(texts))
        self._texts.update(zip(keys, texts, strict=True))
        return [Encoded(np.array([key], np.int32), words=1, known_words=1) for key in keys]

    def runs(self, encoded: Sequence[Encoded]) -> list[Run]:
        self._fail("runs")
        rows = list(range(len(encoded)))[::-1]
        return [Run(rows, np.array([encoded[row].token_ids for row in rows]))]

    def seconds(self, run: Run) -> float:
        return self.run_seconds * len(run.rows)

    def compute(self, run: Run) -> NDArray[np.float32]:
        self.on_the_loop.append(threading.current_thread() is threading.main_thread())
        texts = [self._texts[key] for key in run.token_ids[::-1, 0].tolist()]
        self.computed.append(texts)
        assert self.gate.wait(10)
        self._fail("compute")
        return run.token_ids[:, 0].astype(np.float32)

    def predictions(self, encoded: Sequence[Encoded], probabilities: NDArray[np.float32]) -> list[Prediction]:
        self._fail("predictions")
        assert [text.token_ids[0] for text in encoded] == probabilities.tolist()
        return [prediction(self._texts[int(key)]) for key in probabilities]

    def _fail(self, step: str) -> None:
        if self.failing == step:
            raise RuntimeError(f"broken {step}")


def scheduled(
    test: Callable[[Scheduler], Awaitable[Result]],
    threads: int = 1,
    observe: Callable[[Job], None] | None = None,
    scoring: ScoringJobs | None = None,
) -> Result:
    async def main() -> Result:
        scheduler = Scheduler(threads, observe, scoring)
        scheduler.start()
        try:
            return await test(scheduler)
        finally:
            await scheduler.close()

    return asyncio.run(main())


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (it happens in another thread)
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("threads", [1, 3])
def test_every_request_gets_its_own_answers_in_order(threads: int) -> None:
    requests = [[f"{i}-{j}" for j in range(i % 5 + 1)] for i in range(100)]
    requests.append(["x" * (j * 7 % 50) + str(j) for j in range(MAX_JOB_TEXTS * 5)])  # of all lengths, in no order

    async def test(scheduler: Scheduler) -> list[list[Prediction]]:
        echo = Echo()
        return await asyncio.gather(*(scheduler.predict(echo, texts) for texts in requests))

    answers = scheduled(test, threads)
    assert [[p.label for p in answer] for answer in answers] == requests


def test_what_waits_is_run_together() -> None:
    async def test(scheduler: Scheduler) -> list[list[str]]:
        echo = Echo()
        echo.gate.clear()
        requests = [asyncio.create_task(scheduler.predict(echo, [str(i)])) for i in range(5)]
        await until(lambda: echo.computed)
        await asyncio.sleep(0)
        echo.gate.set()
        await asyncio.gather(*requests)
        return echo.computed

    runs = scheduled(test)
    assert [text for run in runs for text in run] == ["0", "1", "2", "3", "4"]
    assert len(runs) <= 2


def test_a_small_request_does_not_wait_for_all_of_a_large_one() -> None:
    async def test(scheduler: Scheduler) -> list[list[str]]:
        echo = Echo()
        echo.gate.clear()
        large = asyncio.create_task(scheduler.predict(echo, ["large"] * MAX_JOB_TEXTS * 5))
        await until(lambda: echo.computed)
        small = asyncio.create_task(scheduler.predict(echo, ["small"]))
        await asyncio.sleep(0.01)
        echo.gate.set()
        assert len(await large) == MAX_JOB_TEXTS * 5
        await small
        return echo.computed

    runs = scheduled(test)
    assert ["small"] in runs[1:4]


class Wide(Echo):
    """Takes a run for each text, as a real session does for every few."""

    def runs(self, encoded: Sequence[Encoded]) -> list[Run]:
        return [Run([row], np.array([text.token_ids])) for row, text in enumerate(encoded)]


def test_a_small_request_goes_before_the_rest_of_a_bulk_job() -> None:
    async def test(scheduler: Scheduler) -> list[list[str]]:
        echo = Wide()
        echo.gate.clear()
        bulk = asyncio.create_task(scheduler.predict(echo, ["bulk"] * 10, urgency="low"))
        await until(lambda: echo.computed)
        small = asyncio.create_task(scheduler.predict(echo, ["small"]))
        await asyncio.sleep(0.01)
        echo.gate.set()
        assert [p.label for p in await bulk] == ["bulk"] * 10
        assert [p.label for p in await small] == ["small"]
        return echo.computed

    runs = scheduled(test)
    assert runs == [["bulk"], ["small"], *[["bulk"]] * 9]


def test_what_is_urgent_goes_before_small_requests_and_the_bulk() -> None:
    async def test(scheduler: Scheduler) -> list[list[str]]:
        echo = Wide()
        echo.gate.clear()
        bulk = asyncio.create_task(scheduler.predict(echo, ["bulk"] * 3, urgency="low"))
        await until(lambda: echo.computed)
        small = [asyncio.create_task(scheduler.predict(echo, [f"small {n}"])) for n in range(4)]
        await asyncio.sleep(0.01)
        urgent = [asyncio.create_task(scheduler.predict(echo, [f"urgent {n}"], urgency="high")) for n in range(2)]
        await asyncio.sleep(0.01)
        echo.gate.set()
        await asyncio.gather(bulk, *small, *urgent)
        return echo.computed

    runs = [run[0].split()[0] for run in scheduled(test)]
    assert runs[0] == "bulk"
    assert runs[1] == "urgent"
    assert runs.index("small") > max(place for place, run in enumerate(runs) if run == "urgent")


def test_bulk_goes_on_while_there_are_always_small_requests() -> None:
    async def test(scheduler: Scheduler) -> int:
        echo = Wide()
        done = asyncio.Event()

        async def small_requests() -> None:
            while not done.is_set():
                await scheduler.predict(echo, ["small"])

        small = [asyncio.create_task(small_requests()) for _ in range(2 * MAX_JOB_TEXTS)]
        await until(lambda: len(echo.computed) > 100)
        before = len(echo.computed)
        await scheduler.predict(echo, ["bulk"] * 20, urgency="low")
        done.set()
        await asyncio.gather(*small)
        return len([run for run in echo.computed[before:] if run == ["bulk"]])

    assert scheduled(test) == 20


def test_small_requests_and_bulk_are_answered_side_by_side() -> None:
    async def test(scheduler: Scheduler) -> None:
        echo = Echo()
        echo.gate.clear()
        bulk = [asyncio.create_task(scheduler.predict(echo, ["b"] * 10, urgency="low")) for _ in range(5)]
        await asyncio.sleep(0.01)
        small = asyncio.create_task(scheduler.predict(echo, ["s"]))
        await asyncio.sleep(0.01)
        echo.gate.set()
        assert len(await small) == 1
        assert [len(answer) for answer in await asyncio.gather(*bulk)] == [10] * 5

    scheduled(test)


class Processes(ScoringJobs):
    """Scoring processes that answer, or leave every job to the caller."""

    def __init__(self, answering: bool = True) -> None:
        self.at_a_time = 2
        self.answering = answering
        self.gate = asyncio.Event()
        self.gate.set()
        self.sent: list[int] = []

    async def score(self, predictor: Predictor, texts: Sequence[str]) -> Scored | None:
        self.sent.append(len(texts))
        now = perf_counter()
        await self.gate.wait()
        return Scored(now, now, now, [1] * len(texts), predictor.predict(texts)) if self.answering else None


@pytest.fixture
def predictor(small: BundleFolder) -> Predictor:
    return Predictor.load(open_bundle(small.path), "float32")


@pytest.mark.parametrize("answering", [True, False])
def test_a_large_request_is_computed_by_processes_and_what_they_leave_by_threads(
    predictor: Predictor, answering: bool
) -> None:
    texts = [f"{'the ' * (number % 9)}{'good' if number % 3 else 'bad'} film" for number in range(300)]
    processes, jobs = Processes(answering), list[Job]()
    answers = scheduled(
        lambda scheduler: scheduler.predict(predictor, texts, "low"), observe=jobs.append, scoring=processes
    )
    assert answers == predictor.predict(texts)
    assert processes.sent == [SCORE_JOB_TEXTS, SCORE_JOB_TEXTS, 300 - 2 * SCORE_JOB_TEXTS]
    assert sum(len(job.predictions) for job in jobs) == sum(len(job.lengths) for job in jobs) == 300
    assert all(wait >= 0 for job in jobs for wait in job.waits())
    assert max(len(job.predictions) for job in jobs) == (SCORE_JOB_TEXTS if answering else MAX_JOB_TEXTS)


def test_small_requests_and_what_is_no_model_are_not_sent_to_processes(predictor: Predictor) -> None:
    processes, echo = Processes(), Echo()

    async def test(scheduler: Scheduler) -> None:
        await scheduler.predict(predictor, ["good"] * MAX_JOB_TEXTS, "low")
        await scheduler.predict(echo, ["good"] * MAX_JOB_TEXTS * 2, "low")

    scheduled(test, scoring=processes)
    assert processes.sent == []
    assert sum(map(len, echo.computed)) == MAX_JOB_TEXTS * 2


def test_a_lone_text_is_computed_on_the_event_loop_while_processes_have_a_file(predictor: Predictor) -> None:
    processes, echo = Processes(), Echo()
    echo.run_seconds = 0
    processes.gate.clear()

    async def test(scheduler: Scheduler) -> None:
        file = asyncio.create_task(scheduler.predict(predictor, ["good"] * SCORE_JOB_TEXTS, "low"))
        await until(lambda: processes.sent)
        await scheduler.predict(echo, ["a"])
        processes.gate.set()
        await file

    scheduled(test, scoring=processes)
    assert echo.on_the_loop == [True]


def test_a_large_request_whose_caller_left_takes_its_jobs_along(predictor: Predictor) -> None:
    processes = Processes()
    processes.gate.clear()

    async def test(scheduler: Scheduler) -> None:
        leaver = asyncio.create_task(scheduler.predict(predictor, ["good"] * SCORE_JOB_TEXTS * 9, "low"))
        await until(lambda: len(processes.sent) == processes.at_a_time)
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        processes.gate.set()
        assert scheduler.waiting == 0

    scheduled(test, scoring=processes)
    assert len(processes.sent) == processes.at_a_time


def test_a_finished_job_is_told_with_its_times() -> None:
    jobs: list[Job] = []

    async def main() -> None:
        scheduler = Scheduler(1, jobs.append)
        scheduler.start()
        await asyncio.gather(*(scheduler.predict(Echo(), [str(i)]) for i in range(3)))
        await scheduler.close()

    asyncio.run(main())
    assert [len(job.predictions) for job in jobs] == [1, 1, 1]
    for job in jobs:
        assert job.entries[0].enqueued <= job.taken <= job.ready <= job.started <= job.ended
        assert all(wait >= 0 for wait in job.waits())


@pytest.mark.parametrize("step", ["runs", "compute", "predictions"])
@pytest.mark.parametrize("size", [1, 3 * MAX_JOB_TEXTS])
def test_a_failed_job_fails_its_members_and_the_next_one_goes_on(step: str, size: int) -> None:
    async def test(scheduler: Scheduler) -> None:
        echo = Echo()
        echo.failing = step
        results = await asyncio.gather(
            *(scheduler.predict(echo, ["a"] * size) for _ in range(3)), return_exceptions=True
        )
        assert [str(result) for result in results] == [f"broken {step}"] * 3
        echo.failing = ""
        assert await scheduler.predict(echo, ["b"]) == [prediction("b")]

    scheduled(test)


def test_models_do_not_mix_in_a_job() -> None:
    async def test(scheduler: Scheduler) -> tuple[Echo, Echo]:
        one, other = Echo(), Echo()
        one.gate.clear()
        first = asyncio.create_task(scheduler.predict(one, ["first"]))
        await until(lambda: one.computed)
        rest = [asyncio.create_task(scheduler.predict(echo, [name])) for echo, name in ((one, "1"), (other, "2"))]
        await asyncio.sleep(0.01)
        one.gate.set()
        await asyncio.gather(first, *rest)
        return one, other

    one, other = scheduled(test)
    assert one.computed == [["first"], ["1"]]
    assert other.computed == [["2"]]


def test_a_caller_that_left_is_skipped() -> None:
    async def test(scheduler: Scheduler) -> list[list[str]]:
        echo = Echo()
        echo.gate.clear()
        staying = []
        for text in ("in work", "made ready"):
            staying.append(asyncio.create_task(scheduler.predict(echo, [text])))
            await asyncio.sleep(0.01)
        leaver = asyncio.create_task(scheduler.predict(echo, ["leaver"]))
        staying.append(asyncio.create_task(scheduler.predict(echo, ["stayer"])))
        await asyncio.sleep(0.01)
        leaver.cancel()
        await asyncio.sleep(0.01)
        echo.gate.set()
        await asyncio.gather(*staying)
        return echo.computed

    assert scheduled(test) == [["in work"], ["made ready"], ["stayer"]]


def test_a_job_that_was_made_ready_is_not_run_when_all_its_callers_left() -> None:
    async def test(scheduler: Scheduler) -> list[list[str]]:
        echo = Echo()
        echo.gate.clear()
        first = asyncio.create_task(scheduler.predict(echo, ["in work"]))
        await until(lambda: echo.computed)
        leaver = asyncio.create_task(scheduler.predict(echo, ["leaver"]))
        await asyncio.sleep(0.01)
        leaver.cancel()
        await asyncio.sleep(0.01)
        echo.gate.set()
        await first
        await scheduler.predict(echo, ["next"])
        return echo.computed

    assert scheduled(test) == [["in work"], ["next"]]


def test_a_caller_whose_time_ran_out_frees_its_place() -> None:
    async def test(scheduler: Scheduler) -> None:
        echo = Echo()
        echo.gate.clear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await scheduler.predict(echo, ["a"])
        assert scheduler.waiting == 0
        echo.gate.set()
        assert await scheduler.predict(echo, ["b"]) == [prediction("b")]

    scheduled(test)


def test_long_texts_are_tokenized_on_a_thread_and_short_ones_on_the_event_loop() -> None:
    class Noting(Echo):
        def __init__(self) -> None:
            super().__init__()
            self.tokenized: dict[int, bool] = {}

        def encode(self, texts: Sequence[str]) -> list[Encoded]:
            self.tokenized[len(texts[0])] = threading.current_thread() is threading.main_thread()
            return super().encode(texts)

    async def test(scheduler: Scheduler) -> Noting:
        noting = Noting()
        for length in (1, MAX_INLINE_CHARS, MAX_INLINE_CHARS + 1):
            assert [p.label for p in await scheduler.predict(noting, ["x" * length])] == ["x" * length]
        return noting

    assert scheduled(test).tokenized == {1: True, MAX_INLINE_CHARS: True, MAX_INLINE_CHARS + 1: False}


@pytest.mark.parametrize(
    ("run_seconds", "on_the_loop"), [(MAX_INLINE_SECONDS, True), (MAX_INLINE_SECONDS * 1.01, False)]
)
def test_a_lone_text_is_computed_on_the_event_loop_up_to_a_bound(run_seconds: float, on_the_loop: bool) -> None:
    async def test(scheduler: Scheduler) -> list[bool]:
        echo = Echo()
        echo.run_seconds = run_seconds
        for urgency in URGENCIES:
            assert await scheduler.predict(echo, ["a"], urgency) == [prediction("a")]
        return echo.on_the_loop

    assert scheduled(test) == [on_the_loop, on_the_loop, False]  # the bulk never is


def test_a_long_lone_text_is_left_to_a_thread_whatever_its_run_takes() -> None:
    async def test(scheduler: Scheduler) -> list[bool]:
        echo = Echo()
        echo.run_seconds = 0
        await scheduler.predict(echo, ["x" * (MAX_INLINE_CHARS + 1)])
        return echo.on_the_loop

    assert scheduled(test) == [False]


def test_a_queue_never_holds_the_event_loop() -> None:
    async def test(scheduler: Scheduler) -> list[bool]:
        echo = Echo()
        echo.run_seconds = 0
        await asyncio.gather(*(scheduler.predict(echo, ["a"] * (number % 2 + 1)) for number in range(50)))
        return echo.on_the_loop

    assert not any(scheduled(test))


@pytest.mark.parametrize("step", ["compute", "predictions"])
def test_what_fails_on_the_event_loop_fails_its_caller_alone(step: str) -> None:
    async def test(scheduler: Scheduler) -> None:
        echo = Echo()
        echo.run_seconds = 0
        echo.failing = step
        with pytest.raises(RuntimeError, match=f"broken {step}"):
            await scheduler.predict(echo, ["a"])
        echo.failing = ""
        assert await scheduler.predict(echo, ["b"]) == [prediction("b")]
        assert echo.on_the_loop == [True, True]

    scheduled(test)


def test_a_job_of_long_texts_that_cannot_be_tokenized_fails_its_members() -> None:
    async def test(scheduler: Scheduler) -> None:
        echo = Echo()
        echo.failing = "runs"
        with pytest.raises(RuntimeError, match="broken runs"):
            await scheduler.predict(echo, ["x" * (MAX_INLINE_CHARS + 1)])

    scheduled(test)


@pytest.mark.parametrize("together", [True, False])
def test_jobs_are_bounded_by_their_characters(together: bool) -> None:
    texts = [str(number).zfill(MAX_JOB_CHARS // 3) for number in range(8)]

    async def test(scheduler: Scheduler) -> Echo:
        echo = Echo()
        echo.gate.clear()
        requests = [texts] if together else [[text] for text in texts]
        waiting = [asyncio.create_task(scheduler.predict(echo, request)) for request in requests]
        await asyncio.sleep(0.01)
        echo.gate.set()
        answers = [prediction.label for answer in await asyncio.gather(*waiting) for prediction in answer]
        assert answers == texts
        return echo

    assert max(sum(map(len, run)) for run in scheduled(test).computed) <= MAX_JOB_CHARS


def test_closing_finishes_what_is_queued_and_takes_nothing_more() -> None:
    async def main() -> None:
        echo = Echo()
        scheduler = Scheduler(threads=1)
        scheduler.start()
        requests = [asyncio.create_task(scheduler.predict(echo, [str(i)])) for i in range(20)]
        await asyncio.sleep(0)
        await scheduler.close()
        assert [p.label for [p] in await asyncio.gather(*requests)] == [str(i) for i in range(20)]
        with pytest.raises(ShuttingDownError):
            await scheduler.predict(echo, ["late"])

    asyncio.run(main())
