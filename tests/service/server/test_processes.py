"""The socket of all workers; workers that cannot start, or cannot be replaced, and what becomes of the others."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import uvicorn

from service.server.processes import listening_socket
from tests.service.conftest import BundleFolder
from tests.service.running import COMMAND, ENVIRONMENT, Running, running, until

FAILING = """
import os, sys
from pathlib import Path
from service.__main__ import main
from starlette.middleware.exceptions import ExceptionMiddleware

def failing(what, error):
    def call(*arguments):
        if Path(os.environ["FAULT"]).exists():
            raise error
        return what(*arguments)
    return call

if sys.argv[1] == "fork":
    os.fork = failing(os.fork, BlockingIOError(11, "Resource temporarily unavailable"))
else:
    ExceptionMiddleware.__call__ = failing(ExceptionMiddleware.__call__, OSError(28, "No space left on device"))
sys.argv = sys.argv[4:]  # after the interpreter, -m and the name of the module
main()
"""
"""A service in which a step fails while a file is there: forking a worker, or what the application is called for."""


def flags_of(small: BundleFolder, workers: int = 2) -> list[str]:
    models = ["--models-dir", str(small.path.parents[1]), "--model", "small"]
    return [*models, "--workers", str(workers), "--drain-seconds", "0"]


def failing(step: str) -> list[str]:
    return [sys.executable, "-c", FAILING, step]


def said(service: Running, words: str) -> bool:
    return any(words in line for line in service.log)


def kill_a_worker(service: Running) -> int:
    killed, *_ = service.workers()
    os.kill(killed, signal.SIGKILL)
    return killed


def serving_workers(service: Running) -> int:
    """The processes that serve, as the metrics tell."""
    with service.client() as client:
        return int(float(re.findall(r"^sentiment_workers (\S+)", client.get("/metrics").text, re.M)[0]))


def test_connections_of_workers_send_what_is_written_at_once() -> None:
    with listening_socket(uvicorn.Config("", host="127.0.0.1", port=0)) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_where_no_process_can_be_made_the_others_serve_and_it_is_tried_again(
    small: BundleFolder, tmp_path: Path
) -> None:
    fault = tmp_path / "fault"
    with running(*flags_of(small), before=failing("fork"), FAULT=str(fault)) as service:
        fault.touch()
        killed = kill_a_worker(service)
        until(lambda: said(service, "cannot be replaced yet: [Errno 11]"))
        until(lambda: said(service, f"worker {killed} is gone"))
        assert serving_workers(service) == 1
        fault.unlink()
        until(lambda: serving_workers(service) == 2)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(20) == 0
    assert not said(service, "Traceback")


def test_a_replacement_that_cannot_start_stops_no_other(small: BundleFolder, tmp_path: Path) -> None:
    fault = tmp_path / "fault"
    with running(*flags_of(small), before=failing("start"), FAULT=str(fault)) as service:
        fault.touch()
        kill_a_worker(service)
        until(lambda: said(service, "No space left on device"))
        fault.unlink()
        until(lambda: serving_workers(service) == 2)


def test_a_first_worker_that_cannot_start_is_an_error_of_the_service(small: BundleFolder, tmp_path: Path) -> None:
    fault = tmp_path / "fault"
    fault.touch()
    for workers in (1, 2):
        done = subprocess.run(
            [*failing("start"), *COMMAND, "--port", "0", *flags_of(small, workers)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**ENVIRONMENT, "FAULT": str(fault)},
        )
        assert "No space left on device" in done.stderr
        assert done.returncode in {1, 3}


def test_a_worker_is_replaced_where_the_models_and_the_keys_are_gone_for_a_while(
    small: BundleFolder, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("shop some-key")
    with running(*flags_of(small), "--api-keys-file", str(keys)) as service:
        shutil.rmtree(small.path.parents[1])
        keys.unlink()
        kill_a_worker(service)
        until(lambda: said(service, "this worker cannot start"))
        keys.write_text("shop some-key")
        until(lambda: said(service, "the models of the start serve"))
    assert not said(service, "Traceback")


def test_the_parent_can_be_told_to_serve_with_a_worker_less(small: BundleFolder) -> None:
    with running(*flags_of(small, workers=3)) as service:
        service.process.send_signal(signal.SIGTTOU)
        until(lambda: len(service.workers()) == 2)
        until(lambda: serving_workers(service) == 2)
