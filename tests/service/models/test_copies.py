"""Copies of the bundles of a store, which the service reads."""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import fsspec
import httpx
import pytest

from service.errors import BundleError
from service.inference.bundle import find_bundles, open_bundle
from service.models.copies import fetch, watch
from service.settings import Settings
from tests.service.conftest import write_small_bundle
from tests.service.running import running
from tests.service.stores import SERVERS, s3_server, store_of, web_server


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def settings_of(store: str) -> Settings:
    return Settings(models_dir=store)  # type: ignore[arg-type]


def fetched(settings: Settings) -> list[str]:
    fetch(settings)
    return copies(settings)


def copies(settings: Settings) -> list[str]:
    return [f"{path.parent.name}/{path.name}" for path in find_bundles(settings.models_dir) if open_bundle(path)]


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_bundles_of_a_store_are_fetched(store: str) -> None:
    settings = settings_of(store)
    assert settings.models_store == store
    assert fetched(settings) == ["small/1", "small/2"]


def test_a_new_version_comes_and_one_that_is_gone_goes(writable: str, bundles: Path) -> None:
    settings = settings_of(writable)
    assert fetched(settings) == ["small/1", "small/2"]
    files, root = fsspec.url_to_fs(writable)
    files.rm(f"{root}/small/1", recursive=True)
    assert fetched(settings) == ["small/2"]
    third = write_small_bundle(bundles.with_name("more"), version=3).path
    files.put(f"{third}/", f"{root}/small/3/", recursive=True)
    assert fetched(settings) == ["small/2", "small/3"]
    for version in (2, 3):
        files.rm(f"{root}/small/{version}", recursive=True)
    assert fetched(settings) == ["small/2", "small/3"]  # an empty store takes nothing away


def test_a_bundle_that_does_not_check_out_is_left_out(writable: str, caplog: pytest.LogCaptureFixture) -> None:
    files, root = fsspec.url_to_fs(writable)
    files.pipe_file(f"{root}/small/2/model.onnx", b"half of it")
    with caplog.at_level(logging.WARNING):
        assert fetched(settings_of(writable)) == ["small/1"]
    assert "small/2 is left out" in caplog.text
    files.rm(f"{root}/small/1/vocabulary.txt")
    assert fetched(settings_of(writable)) == ["small/1"]  # its copy is whole


def test_a_rollout_comes_changes_and_goes_with_the_store(writable: str) -> None:
    files, root = fsspec.url_to_fs(writable)
    settings = settings_of(writable)
    path = settings.models_dir / "small" / "rollout.json"
    fetched(settings)
    assert not path.exists()
    for content in (b'{"serve": 1}', b'{"serve": 2}'):
        files.pipe_file(f"{root}/small/rollout.json", content)
        fetched(settings)
        assert path.read_bytes() == content
    files.rm_file(f"{root}/small/rollout.json")
    fetched(settings)
    assert not path.exists()


def test_a_store_without_a_bundle_is_an_error_at_the_first_time(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with store_of("s3", tmp_path / "empty") as store:
        for address in (store, "s3://no-such-bucket/models"):
            with pytest.raises(BundleError, match=f"^{address}: holds no bundle"):
                fetch(settings_of(address))


def test_the_models_of_the_last_time_serve_while_the_store_is_away(
    bundles: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of("http://127.0.0.1:9/models")
    with pytest.raises(BundleError, match="the models cannot be read") as refused:
        fetch(settings)
    assert "\n" not in str(refused.value)
    shutil.copytree(bundles, settings.models_dir)
    assert fetched(settings) == ["small/1", "small/2"]
    assert "the models of the last time serve" in caplog.text


def test_a_store_that_fails_on_the_way_takes_nothing_away(bundles: Path) -> None:
    with web_server(bundles, broken="/small/2") as store:
        settings = settings_of(store)
        shutil.copytree(bundles, settings.models_dir)
        assert fetched(settings) == ["small/1", "small/2"]


def test_a_watched_store_is_looked_into_again(writable: str, bundles: Path) -> None:
    settings = settings_of(writable)
    fetch(settings)
    end = watch(settings, seconds=0.05)
    try:
        files, root = fsspec.url_to_fs(writable)
        third = write_small_bundle(bundles.with_name("more"), version=3).path
        files.put(f"{third}/", f"{root}/small/3/", recursive=True)
        files.rm(f"{root}/small/1", recursive=True)
        eventually(lambda: copies(settings) == ["small/2", "small/3"])
    finally:
        end.set()


def test_watching_goes_on_after_the_store_was_away(bundles: Path, caplog: pytest.LogCaptureFixture) -> None:
    with s3_server(bundles) as found_by:
        settings = settings_of("s3://models/store")
        fetch(settings)
    end = watch(settings, seconds=0.05)
    try:
        eventually(lambda: "the models of the last time serve" in caplog.text)
        assert copies(settings) == ["small/1", "small/2"]
        write_small_bundle(bundles, version=3)
        with s3_server(bundles, port=int(found_by["AWS_ENDPOINT_URL"].rsplit(":", 1)[1])):
            eventually(lambda: "small/3" in copies(settings))
    finally:
        end.set()


@pytest.mark.parametrize("kind", SERVERS)
def test_a_service_starts_from_a_store_and_without_it_from_its_copies(kind: str, bundles: Path, tmp_path: Path) -> None:
    address, server = SERVERS[kind]
    flags = ("--models-dir", address, "--model", "small", "--workers", "1", "--log-format", "json")
    home = {"HOME": str(tmp_path / "home")}
    with server(bundles) as found_by, running(*flags, **found_by, **home) as service:
        assert httpx.get(f"{service.address}/health").json()["model"]["version"] == 2
        assert sum('"fetched small/' in line for line in service.log) == 2
    with running(*flags, **found_by, **home) as service:
        assert httpx.get(f"{service.address}/health").json()["model"]["version"] == 2
        assert sum("the models of the last time serve" in line for line in service.log) == 1
