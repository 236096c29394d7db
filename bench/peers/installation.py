"""An environment of its own for each peer, made once from its pinned requirements."""

import subprocess
import sys
import venv
from pathlib import Path

from bench.peers.errors import PeerError

STAMP = "installed-requirements.txt"


def install(requirements: Path, environment: Path) -> Path:
    """Make an environment with the packages of a requirements file, unless it is there already; its Python.

    Raises:
        PeerError: with the last line of the installer.
    """
    python, stamp = environment / "bin" / "python", environment / STAMP
    wanted = f"{sys.version}\n{requirements.read_text()}"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    venv.create(environment, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.split("\n") if line.strip()]
        raise PeerError(f"not installed: {said[-1].strip() if said else 'pip failed'}")
    stamp.write_text(wanted)
    return python
