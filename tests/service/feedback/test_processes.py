"""Feedback of several processes on one file, under load, and after a kill."""

import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.service.conftest import BundleFolder
from tests.service.running import COMMAND, ENVIRONMENT, Running, running, until


@contextmanager
def started(small: BundleFolder, database: Path, *flags: str) -> Iterator[Running]:
    own = ["--models-dir", str(small.path.parents[1]), "--model", "small", "--workers", "2", "--request-log", "false"]
    with running(*own, "--feedback-file", str(database), *flags) as service:
        yield service


def apart(service: Running, method: str, path: str, **arguments: object) -> httpx.Response:
    """Ask on a connection of its own, which any process may take."""
    with service.client() as client:
        return client.request(method, path, **arguments)  # type: ignore[arg-type]


@contextmanager
def only(service: Running, number: int) -> Iterator[None]:
    """Lets one of two workers alone answer."""
    other = service.workers()[1 - number]
    os.kill(other, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(other, signal.SIGCONT)


def texts_by_feedback(service: Running) -> int:
    versions = apart(service, "GET", "/models/small/feedback").json()["versions"]
    return sum(version["texts"] for version in versions)


def test_labels_sent_to_any_process_right_after_the_answer_add_up(small: BundleFolder, database: Path) -> None:
    with started(small, database) as service:
        for number in range(40):
            answer = apart(service, "POST", "/predict", json={"texts": ["good", "bad"]})
            body = {"request_id": answer.headers["x-request-id"], "position": number % 2, "label": "positive"}
            response = apart(service, "POST", "/feedback", json=body)
            assert response.status_code == 200, response.text
        for _ in range(6):  # whichever process answers
            [version] = apart(service, "GET", "/models/small/feedback").json()["versions"]
            assert version["confusion"] == [[0, 0], [20, 20]]
            metrics = apart(service, "GET", "/metrics").text
            assert 'sentiment_feedback_accuracy{model="small",version="1"} 0.5' in metrics
            assert 'answer="negative",label="positive",model="small",version="1"} 20.0' in metrics


def test_a_process_takes_labels_of_answers_that_another_gave(small: BundleFolder, database: Path) -> None:
    with started(small, database) as service:
        for number in range(2):
            with only(service, number):
                answer = apart(service, "POST", "/predict", json={"text": "bad"})
                time.sleep(1)  # it writes on, and the other one does not
            with only(service, 1 - number):
                body = {"request_id": answer.headers["x-request-id"], "label": "negative"}
                assert apart(service, "POST", "/feedback", json=body).json()["correct"] is True
                assert texts_by_feedback(service) == number + 1


def test_a_kill_loses_nothing_that_was_acknowledged(small: BundleFolder, database: Path) -> None:
    acknowledged = 0
    with started(small, database) as service:
        stop = threading.Event()

        def tell() -> None:
            nonlocal acknowledged
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    headers = {"X-Request-ID": f"{threading.get_ident()}-{number}"}
                    body = {"text": "good", "label": "positive"}
                    response = apart(service, "POST", "/feedback", json=body, headers=headers)
                except httpx.TransportError:
                    continue
                with lock:
                    acknowledged += response.status_code == 200

        lock = threading.Lock()
        telling = [threading.Thread(target=tell) for _ in range(3)]
        for thread in telling:
            thread.start()
        until(lambda: acknowledged > 20, 60)
        first = service.workers()
        os.kill(first[0], signal.SIGKILL)
        until(lambda: len(set(service.workers()) - set(first)) == 1, 60)
        before = acknowledged
        until(lambda: acknowledged > before + 20, 60)
        os.killpg(service.process.pid, signal.SIGKILL)  # all of it, in the middle
        stop.set()
        for thread in telling:
            thread.join()
    with started(small, database) as service:
        kept = texts_by_feedback(service)
    assert acknowledged <= kept <= acknowledged + 2 * len(telling)  # one for each kill may lack its answer


def test_under_load_and_a_locked_file_no_prediction_fails(small: BundleFolder, database: Path) -> None:
    with started(small, database) as service:
        statuses: list[int] = []
        seconds: list[float] = []
        stop = threading.Event()

        def ask() -> None:
            with service.client() as client:
                while not stop.is_set():
                    began = time.monotonic()
                    statuses.append(client.post("/predict", json={"text": "good"}).status_code)
                    seconds.append(time.monotonic() - began)

        def tell() -> None:
            with service.client() as client:
                while not stop.is_set():
                    said = client.post("/feedback", json={"text": "good", "label": "positive"})
                    told.append(said.status_code)

        told: list[int] = []
        threads = [threading.Thread(target=work) for work in (ask, ask, tell, tell)]
        for thread in threads:
            thread.start()
        time.sleep(1.5)
        other = sqlite3.connect(database, isolation_level=None, timeout=10)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(3)
        other.execute("ROLLBACK")
        other.close()
        time.sleep(1)
        stop.set()
        for thread in threads:
            thread.join()
        assert set(statuses) == {200}
        assert len(statuses) > 20
        assert max(seconds) < 1.0  # the lock was held for three
        assert set(told) == {200, 503}
        assert not [line for line in service.log if "Traceback" in line]
        assert "sentiment_feedback_lost_answers_total 0.0" in apart(service, "GET", "/metrics").text


def test_retention_deletes_in_a_running_service(small: BundleFolder, database: Path) -> None:
    days = str(2 / 86_400)
    with started(small, database, "--feedback-days", days, "--feedback-texts", "true") as service:
        answer = apart(service, "POST", "/predict", json={"text": "good film"})
        body = {"request_id": answer.headers["x-request-id"], "label": "positive"}
        assert apart(service, "POST", "/feedback", json=body).status_code == 200
        until(lambda: texts_by_feedback(service) == 0)
        assert apart(service, "POST", "/feedback", json=body).status_code == 404
    assert b"good film" not in database.read_bytes()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_file_that_cannot_be_used_stops_the_start_in_one_line(
    small: BundleFolder, tmp_path: Path, workers: str
) -> None:
    flags = ["--models-dir", str(small.path.parents[1]), "--model", "small", "--port", "0", "--workers", workers]
    done = subprocess.run(
        [*COMMAND, *flags, "--feedback-file", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: SENTIMENT_FEEDBACK_FILE: ")
    assert "Traceback" not in done.stderr
