"""The run: a peer that cannot be installed or started does not end it."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.constants import BARE
from bench.peers import __main__ as run
from bench.peers.contenders import PEERS, Peer
from bench.peers.errors import PeerError
from bench.servers import Load, Server

UVICORN = [sys.executable, "-m", "uvicorn", "bench.constants:bare", "--port", "PORT"]
WORKING = Peer("mosec", ["-m", "uvicorn", "bench.constants:create_fastapi", "--factory", "--port", "PORT"])
BROKEN = Peer("ray", ["-c", "print('there is no such option', flush=True); raise SystemExit(2)"])


@pytest.fixture
def without_wrk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three servers and two peers of this environment, and no load."""

    def install(requirements: Path, _: Path) -> Path:
        if requirements.parent.name == "bentoml":
            raise PeerError("not installed: no such version")
        return Path(sys.executable)

    monkeypatch.setattr(run, "install", install)
    monkeypatch.setattr(run, "servers", lambda *_: [Server(BARE, UVICORN)])
    monkeypatch.setattr(run, "load", lambda *_: Load(100, 1, 2, 0))
    monkeypatch.setattr(shutil, "which", lambda _: "wrk")
    monkeypatch.setitem(PEERS, "mosec", WORKING)
    monkeypatch.setitem(PEERS, "ray", BROKEN)


@pytest.mark.usefixtures("without_wrk")
def test_what_cannot_be_measured_is_told_and_the_others_are_measured(tmp_path: Path) -> None:
    arguments = ["--rounds", "2", "--bundle", "models/imdb-conv1d/1", "--output", str(tmp_path / "peers.json")]
    chosen = [word for name in ("bentoml", "ray", "mosec") for word in ("--peers", name)]
    done = CliRunner().invoke(run.main, [*arguments, *chosen, "--cache", str(tmp_path)])
    assert done.exit_code == 1, done.output
    found = json.loads((tmp_path / "peers.json").read_text())
    assert list(found["http"]["full reviews"]["64"]) == [BARE]
    assert found["http"]["full reviews"]["1"][BARE]["per_second"] == 100
    assert found["start"][BARE]["mb_at_rest"] > 1
    reasons = {name.split()[0]: reason for name, reason in found["failed"].items()}
    assert reasons["bentoml"] == "not installed: no such version"
    assert "there is no such option" in reasons["ray[serve]"]
    assert "answers 0.008064 to 'film', not" in reasons["mosec"]  # the constant, which is no model
    assert (tmp_path / "peers.md").read_text() in done.output
    assert done.output.count("round 2") == 1  # those that failed are not tried again


@pytest.mark.usefixtures("without_wrk")
def test_a_run_without_failures_exits_with_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "check_answers", lambda *_: None)
    arguments = ["--rounds", "1", "--bundle", "models/imdb-conv1d/1", "--output", str(tmp_path / "peers.json")]
    done = CliRunner().invoke(run.main, [*arguments, "--peers", "mosec"])
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "peers.json").read_text())["failed"] == {}


def test_without_the_load_generator_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    done = CliRunner().invoke(run.main, [])
    assert done.exit_code == 1
    assert "apt-get install wrk" in done.output
