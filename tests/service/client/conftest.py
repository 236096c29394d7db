"""A service that runs, and a client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.client import Client
from tests.service.conftest import write_korean_bundle, write_small_bundle
from tests.service.running import Running, running


@pytest.fixture(scope="package")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client") / "models"
    write_small_bundle(folder)
    write_small_bundle(folder, version=2, bias=-3.0)
    write_korean_bundle(folder)
    return folder


@pytest.fixture(scope="package")
def service(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    flags = ["--models-dir", str(models_dir), "--model", "small", "--model-version", "1", "--max-text-chars", "60"]
    flags += ["--feedback-file", str(tmp_path_factory.mktemp("feedback") / "feedback.db")]
    with running(*flags, "--workers", "2", SENTIMENT_API_KEYS="secret") as service:
        yield service


@pytest.fixture
def client(service: Running) -> Iterator[Client]:
    with Client(service.address, api_key="secret") as client:
        yield client


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client sleeps; no time passes but in its own clock."""
    seconds: list[float] = []

    async def asleep(wait: float) -> None:
        seconds.append(wait)

    monkeypatch.setattr("service.client.sync.sleep", seconds.append)
    monkeypatch.setattr("service.client.asynchronous.sleep", asleep)
    monkeypatch.setattr("service.client.exchange.monotonic", lambda: sum(seconds))
    return seconds
