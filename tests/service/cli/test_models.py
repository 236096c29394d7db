"""`python -m service models`: bundles between a folder and a store."""

import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest
from click.testing import CliRunner, Result

from service.__main__ import cli
from service.cli.models import progress_bar
from service.errors import ServiceError
from service.inference.bundle import open_bundle
from tests.service.conftest import write_korean_bundle, write_small_bundle
from tests.service.running import ENVIRONMENT
from tests.service.stores import store_of, web_server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    write_small_bundle(folder)
    write_small_bundle(folder, version=2, bias=-3.0)
    write_korean_bundle(folder)
    return folder


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "empty").mkdir()
    with store_of("s3", tmp_path / "empty") as address:
        yield address


@pytest.fixture
def models(folder: Path) -> Callable[..., Result]:
    def run(*arguments: str, models_dir: Path = folder) -> Result:
        return CliRunner().invoke(cli, ["models", *arguments, "--models-dir", str(models_dir)])

    return run


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_models_go_to_a_store_and_come_from_it(models: Callable[..., Result], s3: str, tmp_path: Path) -> None:
    assert lines(models("push", s3, "small")) == ["small/1: pushed", "small/2: pushed"]
    assert lines(models("push", s3)) == ["small/1: there already", "small/2: there already", "small-korean/1: pushed"]
    here = tmp_path / "here"
    assert lines(models("pull", s3, "small/2", "small-korean", models_dir=here)) == [
        "small/2: pulled",
        "small-korean/1: pulled",
    ]
    assert lines(models("pull", s3, models_dir=here)) == [
        "small/1: pulled",
        "small/2: there already",
        "small-korean/1: there already",
    ]
    for place in ("small/1", "small/2", "small-korean/1"):
        open_bundle(here / place)


def test_a_folder_is_listed_without_the_library_for_stores(
    models: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)  # as if it were not installed
    assert [line.split("\t")[0] for line in lines(models("list"))] == ["small/1", "small/2", "small-korean/1"]


def test_a_list_says_what_a_model_is_and_whether_the_folder_has_it(
    models: Callable[..., Result], s3: str, tmp_path: Path
) -> None:
    models("push", s3)
    models("pull", s3, "small/1", models_dir=tmp_path / "here")
    assert lines(models("list", s3, models_dir=tmp_path / "here")) == [
        "small/1*\ten  Adds up the scores of words.",
        "small/2\ten  Adds up the scores of words.",
        "small-korean/1\tko  Adds up characters.",
    ]
    assert lines(models("list")) == [
        "small/1\ten  Adds up the scores of words.",
        "small/2\ten  Adds up the scores of words.",
        "small-korean/1\tko  Adds up characters.",
    ]
    assert lines(models("list", models_dir=s3))[0].startswith("small/1\t")
    files, root = fsspec.url_to_fs(s3)
    files.pipe_file(f"{root}/small/1/manifest.json", b"{}")
    assert lines(models("list", s3))[0] == "small/1\t(its manifest is broken)"


def test_one_that_is_refused_does_not_keep_the_others(models: Callable[..., Result], s3: str, tmp_path: Path) -> None:
    models("push", s3)
    files, root = fsspec.url_to_fs(s3)
    files.pipe_file(f"{root}/small/1/model.onnx", b"half of it")
    write_small_bundle(tmp_path / "here", version=2)
    result = models("pull", s3, models_dir=tmp_path / "here")
    assert result.exit_code == 3
    assert result.stdout.splitlines() == ["small-korean/1: pulled"]
    broken, other = result.stderr.splitlines()
    assert broken == f"error: {s3}/small/1/model.onnx: is not the file that the manifest names (its SHA-256 differs)."
    assert other.endswith("here/small/2 is another model, or broken; remove it to pull that of the store.")


def test_a_broken_bundle_is_not_pushed(models: Callable[..., Result], s3: str, folder: Path) -> None:
    (folder / "small/2/model.onnx").write_bytes(b"half of it")
    result = models("push", s3, "small")
    assert (result.exit_code, result.stdout.splitlines()) == (3, ["small/1: pushed"])
    assert [line.split("\t")[0] for line in lines(models("list", s3))] == ["small/1*"]


def test_a_model_that_is_not_there_is_named_with_those_that_are(models: Callable[..., Result], s3: str) -> None:
    for place, command in ((s3, "pull"), ("models", "push")):
        models("push", s3, "small/1")
        error = models(command, s3, "small/1", "large").exception
        assert isinstance(error, ServiceError)
        assert f"{place}: holds no large; it has small/1" in str(error)


def test_a_store_that_is_away_or_empty_is_one_line(models: Callable[..., Result], s3: str) -> None:
    for address, message in ((s3, "holds no bundle"), ("http://127.0.0.1:9", "the models cannot be read")):
        error = models("pull", address).exception
        assert isinstance(error, ServiceError)
        assert f"{address}: {message}" in str(error)
        assert "\n" not in str(error)


@pytest.mark.parametrize("command", ["pull", "push"])
def test_the_other_side_is_a_folder(s3: str, command: str) -> None:
    result = CliRunner().invoke(cli, ["models", command, s3], env={"SENTIMENT_MODELS_DIR": s3})
    assert "is the address of a store; name a folder: --models-dir models" in str(result.exception)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_and_a_file_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress_bar("small/1", 200) as advance:
            advance(100)
        with progress_bar("small/2", None) as advance:  # of a server that does not tell
            advance(100)
        assert [part in stream.getvalue() for part in ("small/1", "50%", "100%", "small/2")] == [shown] * 4


def test_an_interrupted_copy_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    with web_server(folder, stalled="/small/2/vocabulary.txt") as address:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "models", "pull", address, "small/2", "--models-dir", str(here)],
            env=ENVIRONMENT,
        )
        while not [*here.glob(".partial-*/small/2/model.onnx")]:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130
    assert [*here.iterdir()] == []
