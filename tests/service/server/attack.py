"""A service under attack: bytes sent as they are, and what they do to the process and its answers about health."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.service.running import Running

LONGEST_GAP_SECONDS = 0.05
"""Processor time that the event loop may take between two answers while one client is served."""
GAP_AMONG_MANY_SECONDS = 0.3
"""The same while dozens of clients are served: the short steps of all of them come between."""


def memory_mb(pid: int, what: str = "VmRSS") -> float:
    """Give the memory of a process, or with VmHWM the most that it had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{what}:")[1].split()[0]) / 1e3


def loop_seconds(pid: int) -> float:
    """Give the processor time of a process's main thread, which runs its event loop."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


class Watch:
    """Effects of an attack.

    Attributes:
        memory_mb: by which the most memory of the process rose.
        longest_gap_seconds: the most processor time of the event loop between asking for /health/live and its answer;
            the clock would count what other programs do, too.
        answers: of /health/live.
    """

    memory_mb = 0.0
    longest_gap_seconds = 0.0
    answers = 0


@contextmanager
def watching(service: Running) -> Iterator[Watch]:
    """Probe /health/live all the time, each probe on a connection of its own, and measure the process."""
    watch = Watch()
    done = threading.Event()

    def probe() -> None:
        while not done.is_set():
            began = loop_seconds(service.process.pid)
            try:
                answer = exchange(service, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                watch.answers += answer.startswith(b"HTTP/1.1 200 ")
            except OSError:
                pass
            watch.longest_gap_seconds = max(watch.longest_gap_seconds, loop_seconds(service.process.pid) - began)
            time.sleep(0.005)

    Path(f"/proc/{service.process.pid}/clear_refs").write_text("5")  # the most begins anew
    before = memory_mb(service.process.pid)
    prober = threading.Thread(target=probe)
    prober.start()
    try:
        yield watch
    finally:
        done.set()
        prober.join()
        watch.memory_mb = memory_mb(service.process.pid, "VmHWM") - before


def exchange(service: Running, *parts: bytes, seconds: float = 10) -> bytes:
    """Send some bytes and give what comes back until the connection ends, or nothing comes for so long."""
    with socket.create_connection(service.host_and_port, seconds) as connection:
        with suppress(ConnectionError):  # what came before it broke counts
            for part in parts:
                connection.sendall(part)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Read until the end; `(open)` at the end of what is returned means that it did not come."""
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except TimeoutError:
        return received + b"(open)"
    except ConnectionError:
        return received + b"(reset)"
    return received


def send_as_long_as_taken(connection: socket.socket, block: bytes, at_most: int) -> int:
    """Send a block again and again; give the number of bytes that were taken until the connection broke."""
    sent = 0
    with suppress(OSError):
        while sent < at_most:
            sent += connection.send(block)
    return sent
