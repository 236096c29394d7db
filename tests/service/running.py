"""The service as a person runs it: a process, a port, signals; and its command line."""

import io
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from unittest.mock import patch

import httpx
import pytest

from service.__main__ import main
from service.server.scoring_processes import COMMAND_NAME

COMMAND = [sys.executable, "-m", "service", "serve"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_")}


@dataclass
class Running:
    """A service that runs."""

    process: subprocess.Popen[str]
    address: str = ""
    log: list[str] = field(default_factory=list)

    @property
    def host_and_port(self) -> tuple[str, int]:
        host, port = self.address.removeprefix("http://").split(":")
        return host, int(port)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=30)

    def workers(self) -> list[int]:
        """Its worker processes."""
        return [pid for pid, name in self._children() if name != COMMAND_NAME]

    def scoring_processes(self) -> list[int]:
        """Its scoring processes."""
        return [pid for pid, name in self._children() if name == COMMAND_NAME]

    def _children(self) -> list[tuple[int, str]]:
        listed = ["ps", "--ppid", str(self.process.pid), "-o", "pid=,comm="]
        found = subprocess.run(listed, capture_output=True, text=True, check=False)
        children = [line.split(maxsplit=1) for line in found.stdout.splitlines() if "<defunct>" not in line]
        return [(int(pid), name) for pid, name in children]


def told_by(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a command line in this process: a start takes longer than most commands."""
    said = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    with (
        patch.object(sys, "argv", ["service", *map(str, arguments)]),
        redirect_stdout(said[0]),
        redirect_stderr(said[1]),
        pytest.raises(SystemExit) as end,
    ):
        main()
    stdout, stderr = (stream.buffer.getvalue().decode(errors="replace") for stream in said)
    return subprocess.CompletedProcess([*map(str, arguments)], int(end.value.code or 0), stdout, stderr)


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@contextmanager
def running(*flags: str, before: Sequence[str] = (), **environment: str) -> Iterator[Running]:
    """Starts a service on a free port, and makes sure that it is gone afterwards, with all its processes.

    Args:
        flags: of `serve`.
        before: a command that runs the command given to it.
        environment: variables.
    """
    service = Running(
        subprocess.Popen(
            [*before, *COMMAND, "--port", "0", *flags],
            stderr=subprocess.PIPE,
            text=True,
            env={**ENVIRONMENT, **environment},
            start_new_session=True,
        )
    )
    listening = threading.Event()

    def read_log() -> None:  # all the time: a full pipe would stop the service
        assert service.process.stderr
        for line in service.process.stderr:
            service.log.append(line)
            if not service.address and (found := re.search(r"running on (http://[\d.]+:\d+)", line)):
                service.address = found[1]
                listening.set()
        listening.set()

    reader = threading.Thread(target=read_log)
    reader.start()
    try:
        listening.wait(120)  # on a busy machine
        if not service.address:
            pytest.fail("the service did not start: " + "".join(service.log))
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:  # workers listen a little later
            assert client.get(f"{service.address}/health").status_code == 200
        yield service
    finally:
        with suppress(ProcessLookupError):
            os.killpg(service.process.pid, 9)
        service.process.wait()
        reader.join()
        assert service.process.stderr
        service.process.stderr.close()
