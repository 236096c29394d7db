"""Run a server, and end with it every process that it has started: `python -m bench.peers.supervision LOG COMMAND...`.

A process that outlives its parent, as Ray's do, becomes a child of this one, which the kernel is asked for (Linux).
What the server prints goes to the file LOG.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.servers import Server, descendants

STOP_SECONDS = 10
"""Time that a server has to stop by itself."""
_PR_SET_CHILD_SUBREAPER = 36


def supervised(server: Server, log: Path) -> Server:
    """The same server, started and stopped by this module."""
    return Server(server.name, [sys.executable, "-m", __spec__.name, str(log), *server.command], server.environment)


def last_line(log: Path) -> str:
    """The last line with text that a server has printed."""
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it has printed nothing")


def supervise(log: Path, command: Sequence[str]) -> int:
    """Run a command until it ends or SIGTERM comes, then end what is left of it; its exit code."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, _stop)
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            return process.wait()
        except SystemExit:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                return process.wait(STOP_SECONDS)
            raise
    finally:
        _end_descendants()


def _stop(*_: object) -> None:
    sys.exit(0)


def _end_descendants() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while found := descendants(os.getpid()):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while True:
                os.wait()


if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1]), sys.argv[2:]))
