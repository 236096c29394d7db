"""Jobs that one process of a service computes for another."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from service import scheduler
from service.errors import ShuttingDownError
from service.inference.bundle import open_bundle
from service.inference.predictor import Prediction, Predictor
from service.models import peers as module
from service.models.peers import CONNECTIONS, Peers
from service.models.registry import Registry
from service.scheduler import Scheduler
from tests.service.conftest import BundleFolder

TEXTS = ["good film", "bad", "재미있다 “so”"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path that is short enough for sockets."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def predictor(small: BundleFolder) -> Predictor:
    return Predictor.load(open_bundle(small.path), "float32")


class Process:
    """What is asked: a scheduler and models, under another process id."""

    def __init__(self, folder: Path, predictors: list[Predictor]) -> None:
        self.scheduler = Scheduler(1)
        self.peers = Peers(folder, lambda: Registry(predictors, predictors[0].manifest.name), self.scheduler)


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processors that nobody else keeps busy."""
    monkeypatch.setattr(scheduler, "waited_seconds", lambda: 0.0)


def between(
    folder: Path,
    predictor: Predictor,
    monkeypatch: pytest.MonkeyPatch,
    test: Callable[[Peers, Process, "asyncio.Task[None]"], Awaitable[None]],
    served: Sequence[Predictor] = (),
) -> None:
    """Run a test with the peers of a process that asks, and another process with its running task."""

    async def main() -> None:
        asking, other = Process(folder, [predictor]), Process(folder, list(served) or [predictor])
        other.scheduler.start()
        running = asyncio.create_task(other.peers.run())
        await until(lambda: list(folder.iterdir()))
        monkeypatch.setattr(os, "getpid", lambda: 1)
        looking = asyncio.create_task(asking.peers.run())
        await until(lambda: len(asking.peers._free) == CONNECTIONS)
        await test(asking.peers, other, running)
        for task in (looking, running):
            task.cancel()
        await asyncio.gather(looking, running, return_exceptions=True)
        await other.scheduler.close()

    asyncio.run(main())
    assert not list(folder.iterdir())


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (it happens elsewhere)
            await asyncio.sleep(0.001)


async def asked(peers: Peers, predictor: object, texts: Sequence[str] = TEXTS) -> list[Prediction] | None:
    answer = peers.offer(predictor, texts)
    assert answer is not None
    return await answer


def test_another_process_gives_the_same_predictions(
    folder: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(peers: Peers, _: Process, __: object) -> None:
        for _asked in range(3 * CONNECTIONS):
            assert await asked(peers, predictor) == predictor.predict(TEXTS)

    between(folder, predictor, monkeypatch, test)


def test_no_more_is_offered_than_there_are_connections_and_nothing_but_predictions_of_models(
    folder: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(peers: Peers, _: Process, __: object) -> None:
        assert peers.offer(object(), TEXTS) is None
        answers = [peers.offer(predictor, TEXTS) for _ in range(CONNECTIONS)]
        assert peers.offer(predictor, TEXTS) is None
        for answer in answers:
            assert answer
            assert await answer == predictor.predict(TEXTS)

    between(folder, predictor, monkeypatch, test)


def test_a_process_whose_own_texts_wait_refuses_and_is_left_alone_for_a_while(
    folder: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scheduler, "is_behind", True)

    async def test(peers: Peers, _: Process, __: object) -> None:
        assert await asked(peers, predictor) is None
        assert len(peers._free) == CONNECTIONS - 1
        await until(lambda: len(peers._free) == CONNECTIONS)

    between(folder, predictor, monkeypatch, test)


def test_a_model_that_the_other_process_does_not_have_is_refused(
    folder: Path, predictor: Predictor, small: BundleFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.change_manifest(version=2)
    small.path.rename(small.path.with_name("2"))
    second = Predictor.load(open_bundle(small.path.with_name("2")), "float32")

    async def test(peers: Peers, _: Process, __: object) -> None:
        assert await asked(peers, predictor) is None

    between(folder, predictor, monkeypatch, test, [second])


@pytest.mark.parametrize("error", [ShuttingDownError("stopping"), RuntimeError("broken")])
def test_what_the_other_process_cannot_compute_is_refused(
    folder: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def failing(*_: Any) -> None:
        raise error

    async def test(peers: Peers, other: Process, _: object) -> None:
        monkeypatch.setattr(other.scheduler, "predict", failing)
        assert await asked(peers, predictor) is None

    between(folder, predictor, monkeypatch, test)


def test_a_process_that_ends_while_it_computes_is_noticed_and_forgotten(
    folder: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forever(*_: Any) -> None:
        await asyncio.sleep(60)

    async def test(peers: Peers, other: Process, running: "asyncio.Task[None]") -> None:
        monkeypatch.setattr(other.scheduler, "predict", forever)
        answer = asyncio.ensure_future(asked(peers, predictor))
        await asyncio.sleep(0.1)
        running.cancel()
        assert await answer is None
        assert await asked(peers, predictor) is None
        assert peers.offer(predictor, TEXTS) is None

    between(folder, predictor, monkeypatch, test)


def test_a_process_that_does_not_answer_is_given_up_after_a_time(
    folder: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.1)

    async def forever(*_: Any) -> None:
        await asyncio.sleep(60)

    async def test(peers: Peers, other: Process, _: object) -> None:
        monkeypatch.setattr(other.scheduler, "predict", forever)
        assert await asked(peers, predictor) is None

    between(folder, predictor, monkeypatch, test)


def test_without_a_socket_the_process_works_alone(
    folder: Path, predictor: Predictor, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / ("x" * 120)).mkdir()
    asyncio.run(Process(folder / ("x" * 120), [predictor]).peers.run())
    assert "alone" in caplog.text
