"""`score --engine ray`: what the command line refuses, before there is a cluster. `cluster/engines` tests the runs."""

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.__main__ import cli
from service.cli import score_corpus
from service.cluster.scored_file import Outcome
from service.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("good\n")
    return tmp_path / "in"


@pytest.fixture
def score(small_settings: Settings) -> Any:
    def run(*arguments: object) -> Result:
        flags = ["--models-dir", str(small_settings.models_dir), "--model", "small"]
        return CliRunner().invoke(cli, ["score", *map(str, arguments), *flags])

    return run


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "--output"),
        (["--output", "in/out"], 2, "would lie among the inputs"),
        (["--output", "in"], 2, "would lie among the inputs"),
        (["--output", "out", "--workers", "0"], 2, "a number such as 8, or bounds such as 4:64"),
        (["--output", "out", "--workers", "8:4"], 2, "bounds such as 4:64"),
        (["--output", "out", "--fields", "label"], 2, "with --engine ray all of them are written"),
        (["--output", "out", "--model-version", "9"], 1, "no version 9"),
        (["--output", "klingon://out"], 1, "Stores need the extra"),
    ],
)
def test_a_wrong_command_says_what_to_type(
    score: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    monkeypatch.chdir(folder.parent)
    result = score("--engine", "ray", "in", *arguments)
    said = f"{result.output}{result.exception}"
    assert (result.exit_code, words in said) == (code, True), said


def test_an_engine_that_is_not_installed_is_named(
    score: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = score("--engine", "ray", folder, "--output", tmp_path / "out")
    assert (result.exit_code, "pip install 'conv1d-sentiment[ray]'" in str(result.exception)) == (1, True)


def test_without_an_engine_a_folder_is_pointed_to_it(score: Any, folder: Path) -> None:
    result = score(folder)
    assert (result.exit_code, "--engine ray scores all files of one" in result.output) == (2, True)
    result = score(folder / "a.txt", "--workers", "2")
    assert (result.exit_code, "--workers is of a cluster: add --engine ray" in result.output) == (2, True)


def test_the_address_may_come_from_the_environment(score: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    assert score(folder / "a.txt").exit_code == 0


def test_many_broken_files_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    broken = [Outcome(f"{number:02}.csv", {}, "", error="Broken.") for number in range(30)]
    score_corpus.show_broken(broken)
    said = capsys.readouterr().err.splitlines()
    assert (len(said), said[0]) == (21, "error: 00.csv: Broken.")
    assert said[-1] == "error: 10 more files, named in the manifest"
