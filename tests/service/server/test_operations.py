"""A running service: stopped, reloaded and overloaded, with workers that are killed and clients that misbehave."""

import gzip
import json
import os
import shutil
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest

from service.server.connection import LINGER_SECONDS
from tests.service.conftest import MODELS_DIR, BundleFolder, write_small_bundle
from tests.service.running import Running, running, until


@contextmanager
def small_service(small: BundleFolder, *flags: str, workers: int = 1) -> Iterator[Running]:
    models = ("--models-dir", str(small.path.parents[1]), "--model", "small")
    with running(*models, "--workers", str(workers), *flags) as service:
        yield service


class Load:
    """Clients that ask all the time, and what each of their requests came to."""

    def __init__(self, address: str, clients: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.versions: Counter[int] = Counter()
        self._address = address
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        # A client that was kept from asking for as long as a stop lets connections linger begins a new one.
        limits = httpx.Limits(keepalive_expiry=LINGER_SECONDS / 2)
        with httpx.Client(base_url=self._address, timeout=20, limits=limits) as client:
            while not self._stop.is_set():
                version = 0
                try:
                    response = client.post("/predict", json={"text": "good film"})
                    outcome = str(response.status_code)
                    version = response.json()["model"]["version"] if outcome == "200" else 0
                except httpx.ConnectError:
                    outcome = "refused"
                except httpx.TransportError as error:
                    outcome = type(error).__name__
                with self._lock:
                    self.outcomes[outcome] += 1
                    self.versions[version] += 1
                if outcome == "refused":
                    return

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def metric(service: Running, line_start: str) -> float:
    with service.client() as client:
        text = client.get("/metrics").text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(line_start))


# Stopping


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_under_load_loses_no_request(small: BundleFolder, workers: int) -> None:
    with small_service(small, workers=workers) as service, Load(service.address, clients=8) as load:
        until(lambda: load.outcomes["200"] > 200)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(20) == 0
    assert set(load.outcomes) == {"200", "refused"}  # nobody who was let in was left without an answer


def test_while_it_drains_it_is_live_and_not_ready_and_lets_connections_go(small: BundleFolder) -> None:
    with small_service(small, "--drain-seconds", "3") as service, service.client() as client:
        assert client.get("/health/ready").status_code == 200
        service.process.send_signal(signal.SIGTERM)
        until(lambda: client.get("/health/ready").status_code == 503)
        assert client.get("/health").json()["type"] == "/problems/shutting-down"
        assert client.get("/health/live").status_code == 200
        answer = client.post("/predict", json={"text": "good"})
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        service.process.send_signal(signal.SIGTERM)  # told twice, it waits no longer
        assert service.process.wait(20) == 0


def test_a_stream_that_does_not_end_is_wound_up_at_a_stop(small: BundleFolder) -> None:
    head = b"POST /predict/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    flags = ("--drain-seconds", "0", "--shutdown-seconds", "3")
    with small_service(small, *flags) as service, socket.create_connection(service.host_and_port, 20) as connection:
        connection.sendall(head + b"5\r\ngood\n\r\n")
        received = b""
        while b'"positive"' not in received:
            part = connection.recv(65536)
            assert part, received
            received += part
        service.process.send_signal(signal.SIGTERM)
        connection.sendall(b"4\r\nbad\n\r\n")  # within its grace
        while part := connection.recv(65536):
            received += part
        assert service.process.wait(20) == 0
    lines: list[Any] = [json.loads(line) for line in received.decode().splitlines() if line.startswith("{")]
    assert [line.get("label") for line in lines] == ["positive", "negative", None, None]
    assert lines[2]["error"]["type"] == "/problems/shutting-down"
    assert lines[3]["summary"]["scored"] == 2


# Workers


def test_a_worker_that_is_killed_is_replaced_and_the_other_goes_on(small: BundleFolder) -> None:
    with small_service(small, workers=2) as service, Load(service.address, clients=8) as load:
        until(lambda: load.outcomes["200"] > 100)
        killed, other = service.workers()
        os.kill(killed, signal.SIGKILL)
        before = load.outcomes["200"]
        until(lambda: load.outcomes["200"] > before + 200)
        until(lambda: len(service.workers()) == 2 and killed not in service.workers())
        assert other in service.workers()
        settled = load.outcomes.copy()
        until(lambda: load.outcomes["200"] > settled["200"] + 200)
        assert set(load.outcomes - settled) == {"200"}
    lost = sum(load.outcomes.values()) - load.outcomes["200"]
    assert lost <= 8  # what the killed worker had in its hands, one request of a client at most


def test_metrics_are_the_sum_over_workers_also_over_one_that_died(small: BundleFolder) -> None:
    with small_service(small, workers=2) as service:
        for _ in range(40):  # each on a connection of its own, so that both workers get some
            assert httpx.post(f"{service.address}/predict", json={"texts": ["good", "bad"]}).status_code == 200

        def counted() -> tuple[float, float]:
            return metric(service, "sentiment_predictions_total"), metric(
                service, 'http_requests_total{method="POST",route="/predict"'
            )

        until(lambda: [counted() for _ in range(5)] == [(80, 40)] * 5)  # others' numbers come twice a second
        killed = service.workers()[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(service.workers()) == 2 and killed not in service.workers())
        assert [counted() for _ in range(5)] == [(80, 40)] * 5


# Models


def test_a_reload_under_load_changes_the_version_in_every_worker_and_loses_no_request(small: BundleFolder) -> None:
    with small_service(small, workers=2) as service, Load(service.address, clients=6) as load:
        until(lambda: load.versions[1] > 100)
        broken = write_small_bundle(small.path.parents[1], version=3)
        (broken.path / "model.onnx").write_bytes(b"broken")
        service.process.send_signal(signal.SIGHUP)
        until(lambda: sum("refused: " in line for line in service.log) == 2)
        shutil.rmtree(broken.path)
        write_small_bundle(small.path.parents[1], version=2)
        service.process.send_signal(signal.SIGHUP)
        until(lambda: sum("now serving small version 2" in line for line in service.log) == 2)
        seen = load.versions[1]
        until(lambda: load.versions[2] > 200)
        assert load.versions[1] <= seen + 6  # those that were on their way
    assert set(load.versions) == {1, 2}
    assert set(load.outcomes) == {"200"}


def test_loading_and_unloading_reaches_every_worker_before_it_is_answered(small: BundleFolder) -> None:
    models_dir = small.path.parents[1]
    shutil.copytree(models_dir / "small", models_dir / "other")
    BundleFolder(models_dir / "other" / "1").change_manifest(name="other")
    with small_service(small, "--repository-control", "true", workers=2) as service:
        for action, status in (("unload", 404), ("load", 200)):
            answer = httpx.post(f"{service.address}/v2/repository/models/other/{action}", timeout=20)
            assert answer.status_code == 200
            statuses = {httpx.get(f"{service.address}/models/other").status_code for _ in range(30)}
            assert statuses == {status}


# Load


def test_ten_times_more_than_it_takes_is_answered_or_refused_at_once(small: BundleFolder) -> None:
    with small_service(small, "--max-requests", "4") as service, Load(service.address, clients=40) as load:
        until(lambda: load.outcomes["200"] > 200 and load.outcomes["503"] > 200)
        with service.client() as client:
            for path in ("/health", "/health/live", "/metrics"):
                assert client.get(path).status_code == 200
    assert set(load.outcomes) == {"200", "503"}


# Clients that misbehave


def answer_to(service: Running, *parts: bytes, pause: float = 0.0) -> bytes:
    """What comes back for bytes sent as they are, until the connection is closed or nothing comes for a while."""
    with socket.create_connection(service.host_and_port, 20) as connection:
        received = b""
        for part in parts:
            connection.sendall(part)
            connection.settimeout(pause or 20)
            with suppress(TimeoutError):
                while pause and (answer := connection.recv(65536)):
                    received += answer
                    if b"connection: close" in answer:
                        return received
        connection.settimeout(3)
        try:
            while answer := connection.recv(65536):
                received += answer
        except TimeoutError:
            received += b"(open)"
        return received


POST = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with short limits."""
    small = write_small_bundle(tmp_path_factory.mktemp("models"))
    flags = ("--header-seconds", "0.5", "--body-seconds", "0.5", "--max-header-bytes", "2000")
    with small_service(small, *flags) as service:
        yield service


def test_headers_that_trickle_in_are_cut_off(strict: Running) -> None:
    answer = answer_to(strict, b"GET /health HTTP/1.1\r\n", *[b"a: b\r\n"] * 8, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"/problems/slow-body" in answer
    assert not answer.endswith(b"(open)")


def test_headers_that_trickle_in_later_on_a_connection_are_cut_off_too(strict: Running) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = answer_to(strict, request, b"GET /health HT", *[b""] * 8, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answer


def test_a_body_that_trickles_in_is_cut_off(strict: Running) -> None:
    answer = answer_to(strict, POST + b"Content-Length: 100\r\n\r\n", *[b'{"'] * 8, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert not answer.endswith(b"(open)")


def test_a_connection_without_a_request_is_closed_without_a_word(strict: Running) -> None:
    assert answer_to(strict) == b""


@pytest.mark.parametrize("header", [b"a: " + b"b" * 5_000, b"a: b\r\n" * 1_000, b"x" * 5_000])
def test_headers_without_end_are_refused(strict: Running, header: bytes) -> None:
    answer = answer_to(strict, b"GET /health HTTP/1.1\r\n" + header, pause=0.2)
    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"hello\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /health\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_problem(strict: Running, request_bytes: bytes) -> None:
    answer = answer_to(strict, request_bytes)
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"application/problem+json" in answer
    assert b"Traceback" not in answer


@pytest.mark.parametrize("method", [b"OPTIONS *", b"CONNECT a:1", b"TRACE /", b"PROPFIND /"])
def test_odd_requests_get_a_problem_too(strict: Running, method: bytes) -> None:
    answer = answer_to(strict, method + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"application/problem+json" in answer


def test_the_log_of_all_this_has_no_traceback(strict: Running) -> None:
    assert "Traceback" not in "".join(strict.log)


HOSTILE = {
    "deep nesting": b'{"text":' + b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "a huge number": b'{"text": ' + b"9" * 1_000_000 + b"}",
    "a huge exponent": b'{"text": 1e999999}',
    "not a number": b'{"text": NaN}',
    "a key twice": b'{"text": "good", "text": 1}',
    "a long string": b'{"text": "' + b"good " * 2_000_000 + b'"}',
    "a long key": b'{"' + b"k" * 10_000_000 + b'": 1}',
    "many keys": b"{" + b",".join(b'"%d": 1' % i for i in range(100_000)) + b"}",
    "many texts": b'{"texts": [' + b",".join([b'"a"'] * 100_000) + b"]}",
    "invalid UTF-8": b'{"text": "\xff\xfe"}',
    "UTF-16": '{"text": "good"}'.encode("utf-16"),
    "overlong UTF-8": b'{"text": "\xc0\xaf"}',
    "half a surrogate": rb'{"text": "\ud800 good"}',
    "NUL": rb'{"text": "\u0000"}',
    "a bare NUL": b'{"text": "a\x00b"}',
    "a gzip bomb": gzip.compress(b'{"text": "' + b"good " * 2_000_000 + b'"}'),
    "nothing but blanks": b" " * 1_000_000,
    "a comment": b'{"text": "good"} // so good',
    "two objects": b'{"text": "good"}{"text": "bad"}',
    "an array": b"[]",
    "a prototype": b'{"__proto__": {"text": "good"}}',
}


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with the usual limits: megabytes take longer than half a second on a busy machine."""
    with small_service(write_small_bundle(tmp_path_factory.mktemp("models"))) as service:
        yield service


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_body_is_a_problem_of_the_sender(patient: Running, body: bytes) -> None:
    for path in ("/predict", "/v2/models/small/infer"):
        response = httpx.post(
            f"{patient.address}{path}", content=body, headers={"content-type": "application/json"}, timeout=30
        )
        assert 400 <= response.status_code < 500, response.text
        assert "Traceback" not in response.text
    assert httpx.post(f"{patient.address}/predict", json={"text": "good"}, timeout=30).status_code == 200


def test_a_client_that_leaves_before_its_file_is_understood_is_no_bug(small: BundleFolder) -> None:
    head = b"POST /predict/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 99\r\n\r\n"
    with small_service(small) as service:
        for body in (b"", b"te"):
            with socket.create_connection(service.host_and_port) as connection:
                connection.sendall(head + body)
        line = 'http_requests_total{method="POST",route="/predict/batch",status="499"}'
        until(lambda: metric(service, line) == 2)
    assert "Traceback" not in "".join(service.log)


def test_a_client_that_leaves_frees_its_place() -> None:
    body = json.dumps({"texts": ["a good film " * 300] * 5_000}).encode()
    flags = ("--max-texts", "5000", "--max-body-bytes", "50000000", "--precision", "reference")
    with running("--models-dir", str(MODELS_DIR), "--workers", "1", *flags) as service:
        for _ in range(3):
            with socket.create_connection(service.host_and_port) as connection:
                connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                until(lambda: metric(service, "sentiment_waiting_texts") > 0)
            until(lambda: metric(service, "sentiment_waiting_texts") == 0)
        assert metric(service, 'http_requests_total{method="POST",route="/predict",status="499"}') == 3
        assert metric(service, "sentiment_predictions_total") < 10_000
        with service.client() as client:
            assert client.post("/predict", json={"text": "good"}).status_code == 200
    assert "Traceback" not in "".join(service.log)
