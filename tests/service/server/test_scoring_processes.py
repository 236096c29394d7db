"""Scoring processes beside the workers: killed, outdated, told to stop."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from service.errors import BundleError
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from service.models.fleet import Fleet
from service.server.scoring_processes import NICENESS, Models, ScoringProcesses
from service.settings import Settings
from tests.service.conftest import BundleFolder, write_small_bundle
from tests.service.running import Running, running, until

LINES = [f"{'good' if number % 3 else 'bad'} film {'the ' * (number % 7)}" for number in range(20_000)]
FILE = "\n".join(LINES).encode()


def loaded(bundle: BundleFolder) -> Predictor:
    return Predictor.load(open_bundle(bundle.path), "float32")


@contextmanager
def two_workers(small: BundleFolder, *flags: str) -> Iterator[Running]:
    models = ("--models-dir", str(small.path.parents[1]), "--model", "small")
    with running(*models, "--workers", "2", *flags) as service:
        until(service.scoring_processes)
        yield service


def answers(address: str) -> list[dict[str, object]]:
    """Send the file, and read its answers without the summary, which must be complete."""
    response = httpx.post(f"{address}/predict/batch", content=FILE, headers={"content-type": "text/plain"}, timeout=60)
    *lines, last = [json.loads(line) for line in response.text.splitlines()]
    assert last == {"summary": {"lines": len(LINES), "scored": len(LINES), "errors": 0}}
    return lines


def expected(predictor: Predictor) -> list[dict[str, object]]:
    return [{"line": line, **each.fields()} for line, each in enumerate(predictor.predict(LINES), 1)]


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def busy_seconds(pids: list[int]) -> float:
    """Processor time of processes."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


def test_a_file_is_computed_by_scoring_processes_of_the_lowest_priority(small: BundleFolder) -> None:
    with two_workers(small) as service:
        processes = service.scoring_processes()
        before, sent = busy_seconds(processes), 0

        def some_computed() -> bool:
            nonlocal sent
            sent += len(LINES)
            assert answers(service.address) == expected(loaded(small))
            return busy_seconds(processes) > before

        until(some_computed)  # on a busy machine the workers may have computed the first file
        assert {os.getpriority(os.PRIO_PROCESS, pid) for pid in processes} == {NICENESS}

        def counted() -> float:
            with service.client() as client:
                lines = client.get("/metrics").text.splitlines()
            return sum(
                float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("sentiment_predictions_total{")
            )

        until(lambda: counted() == sent)


def test_processes_that_are_killed_are_replaced_and_their_jobs_are_answered(small: BundleFolder) -> None:
    with two_workers(small) as service:
        first, stop, killed = set(service.scoring_processes()), threading.Event(), set[int]()

        def kill() -> None:
            while not stop.wait(0.3):
                for pid in service.scoring_processes():
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                    killed.add(pid)

        killing = threading.Thread(target=kill)
        killing.start()
        try:
            assert answers(service.address) == expected(loaded(small))
            until(lambda: killed >= first)
        finally:
            stop.set()
            killing.join()
        until(lambda: len(set(service.scoring_processes()) - killed) == len(first))
        assert answers(service.address) == expected(loaded(small))


def test_after_a_reload_no_process_answers_with_the_old_version(small: BundleFolder) -> None:
    with two_workers(small) as service:
        assert answers(service.address) == expected(loaded(small))
        second = write_small_bundle(small.path.parents[1], version=2, bias=0.25)
        service.process.send_signal(signal.SIGHUP)
        until(lambda: sum("now serving small version 2" in line for line in service.log) == 2)
        for _ in range(3):
            assert answers(service.address) == expected(loaded(second))
        pids = service.scoring_processes()
        before = busy_seconds(pids)
        until(lambda: answers(service.address) and busy_seconds(pids) > before + 0.1)  # they have loaded it


def test_a_killed_parent_leaves_no_process_behind(small: BundleFolder) -> None:
    with two_workers(small, "--drain-seconds", "0") as service:
        processes = service.scoring_processes()
        service.process.kill()
        until(lambda: not alive(processes), 20)


def test_processes_outlive_signals_and_end_with_the_service(small: BundleFolder) -> None:
    with two_workers(small, "--drain-seconds", "0") as service:
        processes = service.scoring_processes()
        for pid in processes:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(pid, number)
        assert answers(service.address) == expected(loaded(small))
        assert service.scoring_processes() == processes
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(20) == 0
        assert not alive(processes)
    assert not any("is gone" in line for line in service.log)


def test_the_processes_of_a_parent_take_jobs_until_it_closes_them(small: BundleFolder, tmp_path: Path) -> None:
    predictor = loaded(small)
    (tmp_path / "run").mkdir()
    settings = Settings(models_dir=small.path.parents[1], model="small")
    processes = ScoringProcesses(settings, Fleet(tmp_path / "run"), [predictor], 2)
    processes.keep([])

    async def score() -> object:
        outcome = await processes.jobs().score(predictor, LINES[:100])
        return outcome and outcome.predictions

    assert asyncio.run(score()) == predictor.predict(LINES[:100])
    began = time.monotonic()
    processes.close()
    assert time.monotonic() - began < 5  # seconds, after which they would be killed


@pytest.mark.parametrize("flags", [("--workers", "1"), ("--workers", "2", "--threads", "1")])
def test_there_are_none_beside_one_worker_or_where_the_threads_are_set(
    small: BundleFolder, flags: tuple[str, ...]
) -> None:
    with running("--models-dir", str(small.path.parents[1]), "--model", "small", *flags) as service:
        assert service.scoring_processes() == []
        assert answers(service.address) == expected(loaded(small))


def test_the_folder_is_read_for_a_model_that_is_not_loaded_but_not_all_the_time(small: BundleFolder) -> None:
    first, reads = loaded(small), []
    second = loaded(write_small_bundle(small.path.parents[1], version=2))

    def load(kept: object) -> list[Predictor]:
        reads.append(kept)
        return [second]

    models = Models([first], load)
    models.look_for(first.fingerprint)
    assert (models.get(first.fingerprint), reads) == (first, [])
    models.look_for(second.fingerprint)
    assert (models.get(first.fingerprint), models.get(second.fingerprint)) == (None, second)
    models.look_for(first.fingerprint)
    assert len(reads) == 1


def test_a_folder_that_cannot_be_read_leaves_the_models_as_they_are(small: BundleFolder) -> None:
    def load(_: object) -> list[Predictor]:
        raise BundleError("gone")

    first = loaded(small)
    models = Models([first], load)
    models.look_for("another")
    assert models.get(first.fingerprint) is first
