"""Rollouts change while several processes answer requests."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from service.cli.rollout import change, labelled, serving, splitting
from service.settings import Settings
from tests.service.conftest import BundleFolder, write_small_bundle
from tests.service.running import Running, running

SWITCHES = 100


@pytest.fixture
def models_dir(small: BundleFolder) -> Path:
    write_small_bundle(small.path.parents[1], version=2)
    return small.path.parents[1]


@pytest.fixture
def service(models_dir: Path) -> Iterator[Running]:
    flags = ["--models-dir", str(models_dir), "--model", "small", "--workers", "2", "--request-log", "false"]
    with running(*flags) as service:
        yield service


def settings_of(service: Running, models_dir: Path) -> Settings:
    host, port = service.host_and_port
    return Settings(models_dir=models_dir, model="small", host=host, port=port)


@contextmanager
def traffic(service: Running, path: str, threads: int = 3) -> Iterator[list[tuple[float, float, int, int]]]:
    """Ask again and again; collects the begin and end of each request, its status and the version that answered."""
    seen: list[tuple[float, float, int, int]] = []
    stop = threading.Event()

    def ask() -> None:
        with service.client() as client:
            while not stop.is_set():
                began = time.monotonic()
                response = client.post(path, json={"text": "good"})
                version = response.json()["model"]["version"] if response.status_code == 200 else 0
                seen.append((began, time.monotonic(), response.status_code, version))
                stop.wait(0.005)

    asking = [threading.Thread(target=ask) for _ in range(threads)]
    for thread in asking:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in asking:
            thread.join()


@pytest.mark.parametrize("path", ["/predict?version=stable"])
def test_labels_are_switched_and_no_request_fails_or_gets_a_version_that_was_not_allowed(
    service: Running, models_dir: Path, path: str
) -> None:
    settings = settings_of(service, models_dir)
    change(settings, labelled("stable", "1"), wait=True)
    allowed = [(time.monotonic(), {1})]  # what may answer from that time on
    with traffic(service, path) as seen:
        for number in range(SWITCHES):
            version = 2 - number % 2
            allowed.append((time.monotonic(), {1, 2}))
            change(settings, labelled("stable", str(version)), wait=True)
            allowed.append((time.monotonic(), {version}))
    assert len(seen) > 10 * SWITCHES
    assert {status for _, _, status, _ in seen} == {200}
    ends = [begin for begin, _ in allowed[1:]] + [float("inf")]
    for began, ended, _, version in seen:
        may = set().union(
            *(who for (begin, who), end in zip(allowed, ends, strict=True) if begin <= ended and end >= began)
        )
        assert version in may
    assert {version for *_, version in seen} == {1, 2}


def test_a_split_is_within_its_binomial_interval_and_keys_stick_in_every_process(
    service: Running, models_dir: Path
) -> None:
    share, number = 0.2, 1_500
    settings = settings_of(service, models_dir)
    change(settings, splitting(("1=80", "2=20")), wait=True)
    with service.client() as client:
        counted = Counter(_version(client, {}) for _ in range(number))
    error = (number * share * (1 - share)) ** 0.5
    assert abs(counted[2] - number * share) < 5 * error  # beyond it once in a million runs
    keys = [f"user-{key}" for key in range(40)]
    versions = []
    for _ in range(6):
        with httpx.Client(base_url=service.address) as client:  # a new connection, which any process may take
            versions.append([_version(client, {"X-Sticky-Key": key}) for key in keys])
    assert all(each == versions[0] for each in versions)
    assert set(versions[0]) == {1, 2}


def test_a_new_version_is_put_there_served_and_taken_back_without_a_failed_request(
    service: Running, models_dir: Path
) -> None:
    settings = settings_of(service, models_dir)
    change(settings, serving("2"), wait=True)
    with traffic(service, "/predict") as seen:
        write_small_bundle(models_dir, version=3)
        change(settings, labelled("next", "3"), wait=True)
        change(settings, splitting(("2=50", "next=50")), wait=True)
        time.sleep(1)
        change(settings, serving("next"), wait=True)
        everybody = time.monotonic()
        time.sleep(1)
        before_return = time.monotonic()
        change(settings, serving("2"), wait=True)
        returned = time.monotonic()
        time.sleep(1)
    assert {status for _, _, status, _ in seen} == {200}
    assert {version for *_, version in seen} == {2, 3}
    assert {version for began, ended, _, version in seen if everybody < began and ended < before_return} == {3}
    assert {version for began, _, _, version in seen if began > returned} == {2}


def _version(client: httpx.Client, headers: dict[str, str]) -> int:
    return int(client.post("/predict", json={"text": "good"}, headers=headers).json()["model"]["version"])
