"""Environments of the peers: made once, and the installer's last line if they cannot be. No network."""

import subprocess
import venv
from pathlib import Path

import pytest

from bench.peers import installation
from bench.peers.errors import PeerError


def test_an_environment_is_made_once_and_again_when_its_requirements_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# nothing\n")
    python = installation.install(requirements, tmp_path / "environment")
    assert subprocess.run([python, "-c", ""], check=False).returncode == 0

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(venv, "create", refuse)
    assert installation.install(requirements, tmp_path / "environment") == python
    requirements.write_text("# something else\n")
    with pytest.raises(AssertionError, match="made again"):
        installation.install(requirements, tmp_path / "environment")


def test_what_cannot_be_installed_is_told_in_one_line_and_tried_again(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"{tmp_path}/none-1.0-py3-none-any.whl\n")
    for _ in range(2):
        with pytest.raises(PeerError, match=r"^not installed: .*none-1\.0") as raised:
            installation.install(requirements, tmp_path / "environment")
        assert "\n" not in str(raised.value)
