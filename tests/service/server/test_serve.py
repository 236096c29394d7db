"""The command line as a person runs it: a process, a port, signals."""

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.service.conftest import MODELS_DIR, BundleFolder
from tests.service.running import COMMAND, ENVIRONMENT, running


def stopped_start(*flags: str, **environment: str) -> str:
    """What a start that fails prints; it must end with code 1 and print one line."""
    done = subprocess.run(
        [*COMMAND, "--port", "0", *flags],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**ENVIRONMENT, **environment},
    )
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_answers_a_review_and_stops_cleanly_when_told(workers: str) -> None:
    with running("--models-dir", str(MODELS_DIR), "--workers", workers, "--drain-seconds", "0") as service:
        with service.client() as client:
            response = client.post("/predict", json={"text": "I loved every minute of it."})
        assert response.json()["label"] == "positive"
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(20) == 0


def test_being_told_to_stop_while_starting_is_no_error() -> None:
    process = subprocess.Popen([*COMMAND, "--port", "0", "--models-dir", str(MODELS_DIR)], env=ENVIRONMENT)
    status = Path(f"/proc/{process.pid}/status")
    while not int(status.read_text().split("SigCgt:")[1].split()[0], 16) & 1 << signal.SIGTERM - 1:
        time.sleep(0.01)  # nothing of Python's own start can be told to stop
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_no_two_workers_give_one_request_id() -> None:
    script = (
        "import os; from service.server.middleware import _request_id; os.fork(); "
        "os.write(1, f'{_request_id({})}\\n'.encode())"  # print may write the end of a line by itself
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    first, second = done.stdout.split()
    assert first != second


def test_workers_and_their_parent_read_the_same_memory(small: BundleFolder) -> None:
    with running("--models-dir", str(small.path.parents[1]), "--model", "small", "--workers", "2") as service:
        for worker in service.workers():
            memory = dict(re.findall(r"^(\w+): +(\d+) kB", Path(f"/proc/{worker}/smaps_rollup").read_text(), re.M))
            assert int(memory["Private_Dirty"]) < 0.5 * int(memory["Rss"])


def test_a_killed_parent_leaves_no_workers_behind(small: BundleFolder) -> None:
    flags = ["--models-dir", str(small.path.parents[1]), "--model", "small", "--drain-seconds", "0"]
    with running(*flags, "--workers", "2") as service:
        workers = service.workers()
        assert len(workers) == 2
        service.process.kill()
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{service.address}/health")
    assert sum("the parent process is gone" in line for line in service.log) == 2


def test_no_library_that_serving_can_do_without_is_imported() -> None:
    script = (
        "import sys; from pathlib import Path;"
        "from service.server.application import create_app; from service.settings import Settings;"
        f"create_app(Settings(models_dir=Path({str(MODELS_DIR)!r})));"
        "print([m for m in ('tensorflow', 'keras', 'tf2onnx', 'onnx', 'training', 'fastapi') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_broken_bundle_stops_the_start_with_one_line(small: BundleFolder, workers: str) -> None:
    (small.path / "model.onnx").unlink()
    flags = ("--models-dir", str(small.path.parents[1]), "--model", "small", "--workers", workers)
    assert "model.onnx" in stopped_start(*flags)


def test_a_missing_models_folder_stops_the_start_with_one_line(tmp_path: Path) -> None:
    assert "SENTIMENT_MODELS_DIR" in stopped_start("--models-dir", str(tmp_path / "none"))


def test_a_bad_setting_stops_the_start_with_one_line() -> None:
    assert "SENTIMENT_MAX_TEXTS" in stopped_start(SENTIMENT_MAX_TEXTS="many")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_address_that_is_taken_or_not_ours_stops_the_start_with_one_line(workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        line = stopped_start("--models-dir", str(MODELS_DIR), "--workers", workers, "--port", port)
    assert f"127.0.0.1, port {port}: address already in use" in line
    assert "--port" in line
    assert "no.such.host.invalid, port 0" in stopped_start("--host", "no.such.host.invalid", "--workers", workers)


UNUSABLE = {
    "keys": ("--api-keys-file", "/no/such/keys"),
    "proxies": ("--trusted-proxies", "proxy.example"),
    "sample": ("--shadow-sample", "/no/such/folder/sample"),
    "feedback": ("--feedback-file", "/no/such/folder/feedback"),
}


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("flags", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_setting_that_only_the_application_can_check_stops_the_start_with_one_line(
    small: BundleFolder, workers: str, flags: tuple[str, str]
) -> None:
    models = ("--models-dir", str(small.path.parents[1]), "--model", "small", "--workers", workers)
    assert flags[1] in stopped_start(*models, *flags)


def test_help_lists_every_setting_with_its_variable() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    words = done.stdout.split()
    assert "--max-body-bytes" in words
    assert "[SENTIMENT_MAX_BODY_BYTES;" in words
