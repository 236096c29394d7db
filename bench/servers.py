"""Starts a server, waits for its first answer, and measures it from outside."""

import json
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.constants import BARE, FASTAPI
from bench.usual_model import BUNDLE, THREADS

WRK_SCRIPT = Path(__file__).with_name("http.lua")


@dataclass(frozen=True)
class Server:
    """A way to serve: its name in the table, its command (PORT stands for the port), its environment."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Load:
    """What a load generator saw."""

    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int


def servers(bundle: Path, cores: int) -> list[Server]:
    """This service, the usual way with one worker and with one for each core, and the two constants."""

    def uvicorn(app: str, workers: int, *options: str) -> list[str]:
        command = [sys.executable, "-m", "uvicorn", app, "--no-access-log", *options]
        return [*command, "--port", "PORT", "--workers", str(workers)]

    def usual(workers: int) -> list[str]:
        return uvicorn("bench.usual:create_app", workers, "--factory")

    ours = [sys.executable, "-m", "service", "serve", "--port", "PORT", "--models-dir", str(bundle.parents[1])]
    ours += ["--model", bundle.parent.name, "--model-version", bundle.name]
    return [
        Server("this service", ours),
        Server("usual way, one worker", usual(1), {BUNDLE: str(bundle), THREADS: "0"}),
        Server(f"usual way, {cores} workers", usual(cores), {BUNDLE: str(bundle), THREADS: "1"}),
        Server(FASTAPI, uvicorn("bench.constants:create_fastapi", cores, "--factory")),
        Server(BARE, uvicorn("bench.constants:bare", cores)),
    ]


@contextmanager
def running(server: Server, start_seconds: float = 60) -> Iterator[tuple[str, float, int]]:
    """The server's address, the seconds to its first answer (so many at most), and its process id."""
    port = free_port()
    command = [str(port) if word == "PORT" else word for word in server.command]
    started = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, **server.environment}, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        yield address, _first_answer(address, process, start_seconds) - started, process.pid
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def load(address: str, bodies: Path, connections: int, seconds: int) -> Load:
    """Posts the bodies of a file with so many connections, with wrk."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(WRK_SCRIPT)]
    done = subprocess.run(
        [*command, f"{address}/predict"],
        env={**os.environ, "BODIES": str(bodies)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"RESULT (\S+) (\S+) (\S+) (\S+) (\S+)", done.stdout)
    if not found:
        raise RuntimeError(f"wrk gave no result: {done.stdout}{done.stderr}")
    requests, microseconds, p50, p99, errors = map(float, found.groups())
    return Load(requests / microseconds * 1e6, p50 / 1e3, p99 / 1e3, int(errors))


def median(loads: Sequence[Load]) -> dict[str, float]:
    """The median of each figure over several rounds; the sum of the errors."""
    return {
        "per_second": statistics.median(load.per_second for load in loads),
        "p50_ms": statistics.median(load.p50_ms for load in loads),
        "p99_ms": statistics.median(load.p99_ms for load in loads),
        "errors": sum(load.errors for load in loads),
    }


def write_bodies(texts: Sequence[str], path: Path) -> None:
    """A request body for each text, one a line."""
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory of the largest process below `pid` (or itself): now and at its highest, in MB."""
    found = []
    for process in {pid, *children(pid)}:
        status = Path(f"/proc/{process}/status").read_text()
        now, peak = (re.search(rf"{key}:\s+(\d+)", status) for key in ("VmRSS", "VmHWM"))
        if now and peak:
            found.append((int(now[1]) / 1e3, int(peak[1]) / 1e3))
    return max(found)


def total_memory_mb(pids: Iterable[int]) -> float:
    """Memory of several processes in MB, what they share counted once (PSS)."""
    kilobytes = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
        kilobytes += int(re.search(r"^Pss:\s+(\d+)", rollup, re.M)[1])  # type: ignore[index]
    return kilobytes / 1e3


def children(pid: int) -> list[int]:
    """The processes that a process, in whichever of its threads, has started."""
    found = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += [int(child) for child in listed.read_text().split()]
    return found


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that these have started, and so on."""
    found = children(pid)
    for child in found:
        found += children(child)
    return found


def processor() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "an unknown processor"


def _first_answer(address: str, process: subprocess.Popen[bytes], start_seconds: float) -> float:
    deadline = time.monotonic() + start_seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.post(f"{address}/predict", json={"text": "A good film."}).status_code == 200:
                return time.monotonic()
        except httpx.TransportError:
            time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} does not answer")
