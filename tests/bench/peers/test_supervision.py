"""A supervised server ends with every process it has started, also with those that have left its group."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.peers.supervision import last_line, supervised
from bench.servers import Server, descendants

DAEMON = """
import os, subprocess, sys, time
subprocess.Popen(["sh", "-c", "setsid sleep 600 & exit"]).wait()
print("started", flush=True)
time.sleep(600 if sys.argv[1] == "stay" else 0)
sys.exit(3)
"""


def start(log: Path, argument: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(supervised(Server("daemon", [sys.executable, "-c", DAEMON, argument]), log).command)


def wait_for(log: Path) -> None:
    deadline = time.monotonic() + 60
    while last_line(log) != "started" and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_daemon_ends_with_the_server_that_started_it(tmp_path: Path) -> None:
    process = start(tmp_path / "log", "stay")
    wait_for(tmp_path / "log")
    pids = descendants(process.pid)
    assert len(pids) == 2  # the server, and the daemon, whose parent has ended
    process.terminate()
    process.wait(60)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_server_that_ends_by_itself_leaves_nothing_and_tells_its_code(tmp_path: Path) -> None:
    seconds = f"6{tmp_path.stat().st_ino}"  # tells this daemon from others
    log = tmp_path / "log"
    code = DAEMON.replace("sleep 600", f"sleep {seconds}")
    server = supervised(Server("daemon", [sys.executable, "-c", code, "end"]), log)
    assert subprocess.run(server.command, check=False, timeout=60).returncode == 3
    assert last_line(log) == "started"
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert f"sleep\0{seconds}\0".encode() not in commands


@pytest.mark.parametrize(("text", "line"), [("one\n two \n\n", "two"), ("", "it has printed nothing")])
def test_the_last_line_is_one_with_text(text: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(text)
    assert last_line(tmp_path / "log") == line
    assert last_line(tmp_path / "none") == "it has printed nothing"
