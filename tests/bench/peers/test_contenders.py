"""Commands that start the peers."""

import re
from pathlib import Path

import pytest

from bench.peers.contenders import FOLDER, PEERS, Peer
from bench.usual_model import BUNDLE, THREADS

peers = pytest.mark.parametrize("peer", PEERS.values(), ids=list(PEERS))


def test_there_are_the_four() -> None:
    assert list(PEERS) == ["mosec", "litserve", "bentoml", "ray"]


@peers
def test_a_peer_runs_with_its_own_python_over_the_bundle_on_a_thread_a_worker(peer: Peer) -> None:
    server = peer.server(Path("/environment/bin/python"), Path("/models/some/1"))
    assert server.command[0] == "/environment/bin/python"
    assert "PORT" in server.command
    assert server.environment[BUNDLE] == "/models/some/1"
    assert server.environment[THREADS] == "1"
    assert Path(server.environment["PYTHONPATH"], "bench", "peers").is_dir()
    (module,) = (word for word in server.command if word.startswith("bench."))
    assert (FOLDER / peer.name / "serve.py").is_file()
    assert module.startswith(f"bench.peers.{peer.name}.serve")


@peers
def test_every_package_is_pinned_and_the_first_is_the_peer(peer: Peer) -> None:
    lines = peer.requirements.read_text().splitlines()
    assert all(re.fullmatch(r"[a-z\d\[\]_-]+==[\d.]+", line) for line in lines)
    assert peer.title == lines[0].replace("==", " ")
    assert peer.title.startswith(peer.name)
