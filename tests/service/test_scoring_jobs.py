"""Jobs as a worker sends them, with a process at the other end that answers, dies, stalls or is not there."""

import asyncio
import pickle
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from service import scoring_jobs
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from service.scoring_jobs import JOBS_FOR_EACH, Scored, ScoringJobs
from service.server.scoring_processes import Models, take_jobs
from tests.service.conftest import BundleFolder

TEXTS = ["good film", "bad film", "don't", "the film " * 20]
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    taking, sending = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sending.setblocking(False)
    with taking, sending:
        yield taking, sending


@pytest.fixture
def predictor(small: BundleFolder) -> Predictor:
    return Predictor.load(open_bundle(small.path), "float32")


@contextmanager
def running(process: Callable[[socket.socket], None], pair: Pair) -> Iterator[None]:
    """Run what a process does on a thread; at the end nobody can send any more."""
    taking, sending = pair
    thread = threading.Thread(target=process, args=[taking])
    thread.start()
    try:
        yield
    finally:
        sending.close()
        thread.join()


def computing(models: Models) -> Callable[[socket.socket], None]:
    return lambda taking: take_jobs(taking, models)


def scored(pair: Pair, predictor: Predictor, process: Callable[[socket.socket], None]) -> Scored | None:
    """Send a job to a process."""
    with running(process, pair):
        return asyncio.run(_score(pair[1], predictor))


async def _score(sending: socket.socket, predictor: Predictor) -> Scored | None:
    return await ScoringJobs(sending, 1).score(predictor, TEXTS)


def take(taking: socket.socket) -> socket.socket:
    """Take a job as a process does, and read it."""
    _, [descriptor], _, _ = socket.recv_fds(taking, 1, 1)
    job = socket.socket(fileno=descriptor)
    with job.makefile("rb") as stream:
        pickle.load(stream)  # noqa: S301 (of this test)
    return job


def test_a_process_answers_what_the_worker_would(pair: Pair, predictor: Predictor) -> None:
    outcome = scored(pair, predictor, computing(Models([predictor], list)))
    assert outcome
    assert outcome.predictions == predictor.predict(TEXTS)
    assert outcome.lengths == [len(text.token_ids) for text in predictor.encode(TEXTS)]
    assert outcome.taken <= outcome.ready <= outcome.ended


def test_a_job_of_another_model_is_declined(pair: Pair, predictor: Predictor) -> None:
    assert scored(pair, predictor, computing(Models([], list))) is None


def test_a_job_that_fails_is_declined_and_the_next_one_is_computed(pair: Pair, predictor: Predictor) -> None:
    class Failing(Models):
        failed = False

        def get(self, fingerprint: str) -> Predictor | None:
            if not self.failed:
                self.failed = True
                raise RuntimeError("broken")
            return super().get(fingerprint)

    async def twice() -> list[Scored | None]:
        jobs = ScoringJobs(pair[1], 1)
        return [await jobs.score(predictor, TEXTS) for _ in range(2)]

    with running(computing(Failing([predictor], list)), pair):
        first, second = asyncio.run(twice())
    assert first is None
    assert second
    assert second.predictions == predictor.predict(TEXTS)


def test_a_process_that_dies_with_a_job_is_not_waited_for(
    pair: Pair, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring_jobs, "PATIENCE_SECONDS", 60)
    assert scored(pair, predictor, lambda taking: take(taking).close()) is None


def test_an_answer_that_is_cut_off_is_none(pair: Pair, predictor: Predictor) -> None:
    def process(taking: socket.socket) -> None:
        with take(taking) as job:
            job.sendall(pickle.dumps(Scored(0, 0, 0, [1], predictor.predict(["good"])))[:-10])

    assert scored(pair, predictor, process) is None


def test_where_no_process_takes_a_job_the_wait_ends(
    pair: Pair, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring_jobs, "PATIENCE_SECONDS", 0.05)
    assert asyncio.run(_score(pair[1], predictor)) is None


def test_after_a_wait_in_vain_no_job_is_sent_for_a_while(
    pair: Pair, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring_jobs, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(scoring_jobs, "REST_SECONDS", 0.5)

    async def main() -> tuple[Scored | None, Scored | None]:
        jobs = ScoringJobs(pair[1], 1)
        assert await jobs.score(predictor, TEXTS) is None  # as nobody takes it
        monkeypatch.setattr(scoring_jobs, "PATIENCE_SECONDS", 20)
        with running(computing(Models([predictor], list)), pair):
            soon = await jobs.score(predictor, TEXTS)
            await asyncio.sleep(0.5)
            return soon, await jobs.score(predictor, TEXTS)

    soon, later = asyncio.run(main())
    assert soon is None
    assert later


def test_a_job_that_was_given_up_is_not_computed(
    pair: Pair, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring_jobs, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(scoring_jobs, "REST_SECONDS", 0)
    asked: list[str] = []

    class Noting(Models):
        def get(self, fingerprint: str) -> Predictor | None:
            asked.append(fingerprint)
            return super().get(fingerprint)

    async def main() -> Scored | None:
        jobs = ScoringJobs(pair[1], 1)
        assert await jobs.score(predictor, TEXTS) is None  # as nobody takes it
        monkeypatch.setattr(scoring_jobs, "PATIENCE_SECONDS", 20)
        with running(computing(Noting([predictor], list)), pair):
            return await jobs.score(predictor, TEXTS)

    assert asyncio.run(main())
    assert len(asked) == 1


def test_no_more_jobs_are_sent_than_processes_can_take(
    pair: Pair, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring_jobs, "PATIENCE_SECONDS", 20)
    taking, sending = pair
    taking.setblocking(False)

    async def main() -> int:
        jobs = ScoringJobs(sending, 1)
        waiting: list[Awaitable[Scored | None]] = [
            asyncio.create_task(jobs.score(predictor, TEXTS)) for _ in range(JOBS_FOR_EACH + 3)
        ]
        await asyncio.sleep(0.05)
        sent = 0
        while True:
            try:
                _, [descriptor], _, _ = socket.recv_fds(taking, 1, 1)
            except BlockingIOError:
                break
            socket.socket(fileno=descriptor).close()
            sent += 1
        taking.setblocking(True)
        with running(computing(Models([predictor], list)), pair):
            outcomes = await asyncio.gather(*waiting)
        assert sum(outcome is not None for outcome in outcomes) == 3
        return sent

    assert asyncio.run(main()) == JOBS_FOR_EACH
