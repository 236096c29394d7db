"""Labels, and jobs of several requests where a rollout divides the requests."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.client import AsyncClient, CheckpointError, Client, NotFoundError
from tests.service.client.scripted import in_a_loop
from tests.service.running import Running, running

TEXTS = ["good"] * 2_500


@pytest.fixture(scope="module")
def divided(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    own = Path(shutil.copytree(models_dir, tmp_path_factory.mktemp("divided") / "models"))
    rollout = {"labels": {"stable": 1, "next": 2}, "serve": {"stable": 50, "next": 50}}
    (own / "small" / "rollout.json").write_text(json.dumps(rollout))
    with running("--models-dir", str(own), "--model", "small", "--workers", "2") as service:
        yield service


def versions_seen(service: Running, **arguments: str) -> tuple[Client, list[str]]:
    """A client, and the versions that answer its requests."""
    seen: list[str] = []
    client = Client(service.address, **arguments)  # type: ignore[arg-type]
    client._http.event_hooks["response"].append(lambda response: seen.append(response.headers.get("x-model", "")))
    return client, seen


def test_a_label_is_a_version(divided: Running) -> None:
    with Client(divided.address) as client:
        assert client.predict("good", version="stable").model.version == 1
        assert client.explain("good", version="next").model.version == 2
        labels = {model.version: model.version_labels for model in client.models() if model.name == "small"}
        with pytest.raises(NotFoundError, match="stable"):
            client.predict("good", version="nightly")
    assert labels == {1: ["stable"], 2: ["next"]}

    async def ask(aio: AsyncClient) -> int:
        return (await aio.predict("good", version="next")).model.version

    assert in_a_loop(divided.address, ask) == 2


def test_one_version_answers_all_requests_of_a_job(divided: Running, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("good\n" * 2_500)
    answered = set()
    for _ in range(12):
        client, seen = versions_seen(divided)
        with client:
            client.predict_many(TEXTS)
        assert len(seen) == 3
        assert len(set(seen)) == 1
        answered |= set(seen)
    assert answered == {"small/1", "small/2"}
    client, seen = versions_seen(divided)
    with client:
        list(client.score_lines(TEXTS))
        assert len(set(seen)) == 1
        seen.clear()
        client.score_file(tmp_path / "in.txt", tmp_path / "out.ndjson")
    assert len(set(seen) - {""}) == 1


def test_a_client_with_a_key_gets_one_version(divided: Running) -> None:
    async def ask(aio: AsyncClient) -> set[int]:
        return {(await aio.predict("good")).model.version for _ in range(20)}

    for key in ("user-1", "user-2", "user-3"):
        with httpx.Client(base_url=divided.address, headers={"X-Sticky-Key": key}) as plain:
            version = plain.post("/predict", json={"text": "good"}).json()["model"]["version"]
        with Client(divided.address, sticky_key=key) as client:
            assert {client.predict("good").model.version for _ in range(20)} == {version}
            assert {p.label for p in client.predict_many(TEXTS)} == {client.predict("good").label}
        assert in_a_loop(divided.address, ask, sticky_key=key) == {version}


def test_a_file_is_not_continued_by_another_rollout(divided: Running, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("good\n")
    (tmp_path / "out.ndjson.part").write_text("")
    with Client(divided.address) as client:
        client.score_file(tmp_path / "in.txt", tmp_path / "whole.ndjson")
        models = client.models()
    from service.client.chunks import FileOptions
    from service.client.file_job import FileJob

    def job() -> FileJob:
        return FileJob(tmp_path / "in.txt", tmp_path / "out.ndjson", FileOptions())

    with job().open(models, restart=True) as begun:
        begun._part.checkpoint((0, 0), {})
    moved = [model.model_copy(update={"version_labels": ["stable"]}) for model in models]
    with pytest.raises(CheckpointError, match="another model"):
        job().open(moved, restart=False)
