"""Limits of a connection, and its ends: each attack on a real process, and measured."""

import inspect
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest
import uvicorn.protocols.http.httptools_impl
import uvicorn.server
import uvicorn.supervisors.multiprocess

from service.server.protocol import MAX_FIELDS, MAX_PIPELINED
from tests.service.conftest import write_small_bundle
from tests.service.running import Running, running
from tests.service.server.attack import (
    GAP_AMONG_MANY_SECONDS,
    LONGEST_GAP_SECONDS,
    exchange,
    read_all,
    send_as_long_as_taken,
    watching,
)

POST = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
POST_FILE = b"POST /predict/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = b'{"text":"good"}'
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"

MOST_MB = 30

UVICORN = {
    "0.54.0": {
        uvicorn.protocols.http.httptools_impl: "1d4e1c579df41684",
        uvicorn.server: "c1be9d133467a42a",
        uvicorn.supervisors.multiprocess: "53541976227fec0b",
    }
}
"""The sources that `service.server` is written against."""


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def post(body: bytes, *headers: bytes, path: bytes = b"/predict", version: bytes = b"1.1") -> bytes:
    fields = b"".join(header + b"\r\n" for header in headers)
    return (
        b"POST %b HTTP/%b\r\nHost: localhost\r\n%bContent-Length: %d\r\n\r\n" % (path, version, fields, len(body))
        + body
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    small = write_small_bundle(tmp_path_factory.mktemp("models"))
    return ("--models-dir", str(small.path.parents[1]), "--model", "small", "--workers", "1", "--drain-seconds", "0")


@pytest.fixture(scope="module")
def service(models: tuple[str, ...]) -> Iterator[Running]:
    with running(*models, "--body-seconds", "2", "--header-seconds", "3", "--keep-alive-seconds", "1.5") as service:
        yield service


@pytest.fixture(scope="module")
def keyed(models: tuple[str, ...]) -> Iterator[Running]:
    with running(*models, "--body-seconds", "1", SENTIMENT_API_KEYS="the-key") as service:
        yield service


def test_uvicorn_is_the_one_that_the_protocol_is_written_against() -> None:
    # A new version: read what changed in these modules, run the tests of this folder, then note it here.
    for module, expected in UVICORN[uvicorn.__version__].items():
        assert sha256(inspect.getsource(module).encode()).hexdigest()[:16] == expected, module


# Trailers


@pytest.mark.parametrize(
    "block",
    [b"a: b\r\n" * 10_000, b"x" * 60_000, b"x: " + b"y" * 60_000, b";" + b"e" * 60_000],
    ids=["many", "a long name", "a long value", "a long chunk extension"],
)
def test_trailers_without_end_are_refused_before_they_cost_anything(service: Running, block: bytes) -> None:
    last_chunk = b"1" if block.startswith(b";") else b"0\r\n"
    for path in (b"/health/live", b"/predict"):
        with watching(service) as watch, socket.create_connection(service.host_and_port, 10) as connection:
            head = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" % path
            connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + last_chunk)
            send_as_long_as_taken(connection, block, at_most=30_000_000)
        assert watch.memory_mb < MOST_MB
        assert watch.longest_gap_seconds < LONGEST_GAP_SECONDS
        assert watch.answers


def test_trailers_within_the_limit_are_dropped(keyed: Running, service: Running) -> None:
    trailers = b"0\r\nAuthorization: Bearer the-key\r\nX-Request-ID: mine\r\nConnection: close\r\n\r\n"
    assert b" 401 " in exchange(keyed, CHUNKED + chunk(BODY) + trailers, seconds=2)
    answer = exchange(service, CHUNKED + chunk(BODY) + trailers, seconds=1)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"mine" not in answer
    assert answer.endswith(b"(open)")  # a trailer does not close the connection either


def test_trailers_beyond_the_limit_get_431(service: Running) -> None:
    answer = exchange(service, CHUNKED + chunk(BODY[:5]) + b"0\r\n", *[b"a: b\r\n" * 1_000] * 10)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"trailers" in answer


def test_small_chunks_are_no_trailers(service: Running) -> None:
    body = b'{"text":"' + b"good " * 8_000 + b'"}'  # of which the chunks' own bytes are six times as many
    answer = exchange(service, CHUNKED + b"".join(chunk(body[i : i + 1]) for i in range(len(body))) + chunk(b""), GET)
    assert b" 200 " in answer.split(b"\r\n")[0]


def test_a_request_that_begins_behind_a_long_body_is_not_charged_for_it(service: Running) -> None:
    # As a client that pipelines has it: the next request's first bytes come with the last 100 kB of a body.
    body = b'{"text":"' + b"good " * 18_000 + b'"}'
    first = POST + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(service.host_and_port, 10) as connection:
        connection.sendall(first)
        time.sleep(0.1)
        connection.sendall(body + GET[:10])
        time.sleep(0.3)
        connection.sendall(GET[10:] + b"Connection: close\r\n\r\n")
        answers = read_all(connection)
    assert answers.count(b"HTTP/1.1 200 ") == 2, answers[:500]


# Headers


def test_more_header_fields_than_the_limit_get_431(service: Running) -> None:
    fields = b"".join(b"a%d:\r\n" % i for i in range(MAX_FIELDS))  # and Host
    assert exchange(service, GET + fields + b"\r\n").startswith(b"HTTP/1.1 431 ")
    assert exchange(service, GET + fields[:-6] + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 431 ")
    few = b"".join(b"a%d:\r\n" % i for i in range(MAX_FIELDS - 2)) + b"Connection: close\r\n\r\n"
    assert exchange(service, GET + few).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "headers", [b"", b"Host: a\r\nHost: localhost\r\n", b"Host: \r\n", b"Host: a b\r\n", b"Host: a/b\r\n"]
)
def test_a_request_without_one_host_is_refused(service: Running, headers: bytes) -> None:
    answer = exchange(service, b"GET /health HTTP/1.1\r\n" + headers + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_http_1_0_needs_no_host(service: Running) -> None:
    assert exchange(service, b"GET /health HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_an_address_that_is_not_ascii_is_refused_with_what_to_type(service: Running) -> None:
    answer = exchange(service, "GET /models?model=내용 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"percent-encoded" in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"GET /?\xff HTTP/1.1\r\n\r\n", 400), (b"no HTTP\r\n\r\n", 400), (GET + b"a: b\r\n" * 101, 431), (GET, 408)],
)
def test_answers_of_the_protocol_itself_are_as_safe_as_all_others(service: Running, sent: bytes, status: int) -> None:
    answer = exchange(service, sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nx-content-type-options: nosniff\r\n" in answer
    assert b"\r\ncontent-security-policy: default-src 'none'" in answer


# Requests sent ahead


def test_requests_sent_ahead_are_answered_in_order(service: Running) -> None:
    requests = [post(BODY, b"X-Request-ID: %d" % i, b"Content-Type: application/json") for i in range(MAX_PIPELINED)]
    answer = exchange(service, b"".join(requests), seconds=1)
    assert re.findall(rb"x-request-id: (\d+)", answer) == [b"%d" % i for i in range(MAX_PIPELINED)]


def test_more_requests_sent_ahead_than_the_limit_end_the_connection_and_take_no_memory(service: Running) -> None:
    with watching(service) as watch, socket.create_connection(service.host_and_port, 1) as connection:
        connection.sendall(POST_FILE + b"Content-Length: 12000\r\n\r\n" + b"a good film\n" * 1_000)
        send_as_long_as_taken(connection, (GET + b"\r\n") * 5_000, at_most=30_000_000)
    assert watch.memory_mb < MOST_MB
    answer = exchange(service, (GET + b"\r\n") * 1_000)
    assert answer.count(b"HTTP/1.1 200 ") == MAX_PIPELINED + 1
    assert not answer.endswith(b"(open)")


# Refusals while the body is on its way


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_an_early_refusal_arrives_though_the_whole_body_is_sent_first(service: Running, version: bytes) -> None:
    for size in (500_000, 5_000_000):
        request = post(
            b"x" * size, b"Content-Type: text/xml", b"Connection: close", path=b"/predict/batch", version=version
        )
        answer = exchange(service, request)
        assert answer.startswith(b"HTTP/1.1 415 ")
        assert answer.endswith(b"}")


def test_a_connection_with_an_early_refusal_goes_on_when_its_body_was_there(service: Running) -> None:
    with socket.create_connection(service.host_and_port, 10) as connection:
        connection.sendall(post(b"x" * 500_000, b"Content-Type: text/xml", path=b"/predict/batch"))
        connection.sendall(GET + b"Connection: close\r\n\r\n")
        assert re.findall(rb"HTTP/1.1 (\d+) ", read_all(connection)) == [b"415", b"200"]


def test_a_body_that_drips_after_a_refusal_is_cut_off(keyed: Running) -> None:
    with socket.create_connection(keyed.host_and_port, 10) as connection:
        connection.sendall(POST + b"Content-Length: 1000000\r\n\r\n")
        began = time.monotonic()
        sent = 0
        while time.monotonic() - began < 6:
            try:
                sent += connection.send(b"x")
            except ConnectionError:
                break
            time.sleep(0.05)
        assert 0.5 < time.monotonic() - began < 4
        assert sent > 5


def test_a_body_that_is_asked_for_and_refused_is_not_taken_for_a_request(keyed: Running) -> None:
    answer = exchange(keyed, POST + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer
    assert not answer.endswith(b"(open)")


# Ends


def test_an_idle_connection_is_closed_after_the_time_of_the_setting(service: Running) -> None:
    with socket.create_connection(service.host_and_port, 10) as connection:
        began = time.monotonic()  # before the service's clock begins
        connection.sendall(GET + b"\r\n")
        assert read_all(connection).endswith(b"}")  # and then the end
        assert 1 < time.monotonic() - began < 8


def test_http_1_0_gets_no_chunks_and_no_trailers(service: Running) -> None:
    path = b"/predict/batch?wait=false"  # sent while it is computed
    answer = exchange(service, post(b"good\nbad\n", b"Content-Type: text/plain", path=path, version=b"1.0"))
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"chunked" not in head
    assert b"trailer" not in head.lower()
    assert body.count(b'"label"') == 2
    assert body.endswith(b"}}\n")


def test_a_client_that_reads_nothing_is_cut_off_and_does_not_hold_up_the_end(models: tuple[str, ...]) -> None:
    line = b'{"text":"good","note":"%b"}\n' % (b"x" * 50_000)  # comes back whole, so that the buffers are full soon
    lines = chunk(line) * 1_000
    with running(*models, "--stream-idle-seconds", "1") as service, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(service.host_and_port)
        connection.sendall(POST_FILE.replace(b"text/plain", b"application/x-ndjson"))
        connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n")  # so that answers come at once
        with pytest.raises(ConnectionError):  # it broke: nothing waits for the buffers to empty
            connection.sendall(lines)
        service.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert service.process.wait(20) == 0
        assert time.monotonic() - began < 10  # SENTIMENT_SHUTDOWN_SECONDS are 30


def test_an_http_1_0_answer_that_is_cut_off_ends_with_a_reset(service: Running) -> None:
    with socket.create_connection(service.host_and_port, 10) as connection:
        connection.sendall(b"POST /predict/batch?wait=false HTTP/1.0\r\nX-Request-Timeout: 1\r\n")
        connection.sendall(b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"good\n"))
        answer = read_all(connection)
    assert b'"label"' in answer
    assert answer.endswith(b"(reset)")


# Connections


def connections(stack: ExitStack, service: Running, number: int, sent: bytes) -> list[socket.socket]:
    opened = [stack.enter_context(socket.create_connection(service.host_and_port, 10)) for _ in range(number)]
    for connection in opened:
        connection.sendall(sent)
    return opened


def test_beyond_the_limit_idle_connections_make_room(models: tuple[str, ...]) -> None:
    with running(*models, "--max-connections", "20") as service, ExitStack() as stack:
        first, *_ = connections(stack, service, 20, GET + b"\r\n")
        answer = b""
        while not answer.endswith(b"}}"):
            answer += first.recv(65_536)
        time.sleep(0.3)
        answer = exchange(service, post(BODY, b"Content-Type: application/json", b"Connection: close"))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert read_all(first) == b""  # the oldest


def test_beyond_the_limit_of_busy_connections_only_health_is_answered(models: tuple[str, ...]) -> None:
    with running(*models, "--max-connections", "20") as service, ExitStack() as stack:
        connections(stack, service, 20, POST + b"Content-Length: 100\r\n\r\n{")
        time.sleep(0.3)
        refused = exchange(service, post(BODY, b"Content-Type: application/json"))
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"connection: close" in refused
        assert exchange(service, GET + b"\r\n").startswith(b"HTTP/1.1 200 ")


def test_connections_stay_below_the_number_of_file_handles(models: tuple[str, ...], tmp_path: Path) -> None:
    script = tmp_path / "limited"
    script.write_text('#!/bin/sh\nulimit -n 320\nexec "$@"\n')
    script.chmod(0o755)
    with running(*models, before=[str(script)]) as service, ExitStack() as stack:
        assert "takes 20 connections" in "".join(service.log)
        connections(stack, service, 100, POST + b"Content-Length: 100\r\n\r\n{")
        with watching(service) as watch:
            time.sleep(1)
        assert watch.answers > 3  # one a moment, on a machine that does nothing else
    assert "Too many open files" not in "".join(service.log)


# Places


def test_idle_uploads_of_files_keep_no_short_request_out(models: tuple[str, ...]) -> None:
    head = POST_FILE + b"Content-Length: 9999\r\n\r\ngood\n"
    with running(*models, "--max-streams", "10", "--max-requests", "10") as service, ExitStack() as stack:
        connections(stack, service, 10, head)
        time.sleep(0.3)
        assert b" 503 " in exchange(service, head, seconds=2)
        assert b" 200 " in exchange(service, post(BODY, b"Content-Type: application/json"), seconds=1)


def test_idle_bodies_keep_no_short_request_out(models: tuple[str, ...]) -> None:
    with running(*models, "--max-requests", "10") as service, ExitStack() as stack:
        connections(stack, service, 100, POST + b"Content-Length: 100\r\n\r\n{")
        time.sleep(0.3)
        assert b" 200 " in exchange(service, post(BODY, b"Content-Type: application/json"), seconds=1)


def test_bodies_have_a_limit_together(models: tuple[str, ...]) -> None:
    with (
        running(*models, "--max-held-bytes", "20000000", "--max-body-bytes", "20000000") as service,
        ExitStack() as stack,
    ):
        with watching(service) as watch:
            sending = connections(stack, service, 40, POST + b"Content-Length: 15000000\r\n\r\n")
            for connection in sending:
                connection.settimeout(1)
                send_as_long_as_taken(connection, b" " * 1_000_000, at_most=2_000_000)
        assert watch.memory_mb < 60
        assert watch.longest_gap_seconds < GAP_AMONG_MANY_SECONDS
        for connection in sending:
            connection.settimeout(0.2)
        assert any(b" 503 " in read_all(connection) for connection in sending)


def test_a_file_that_drips_is_cut_off(models: tuple[str, ...]) -> None:
    flags = ("--stream-idle-seconds", "1", "--stream-min-bytes-per-second", "100")
    with running(*models, *flags) as service, socket.create_connection(service.host_and_port, 10) as connection:
        connection.sendall(POST_FILE + b"Content-Length: 100000\r\n\r\n")
        began = time.monotonic()
        answer = b""
        while b"stalled" not in answer and time.monotonic() - began < 20:
            connection.sendall(b"a\n")
            time.sleep(0.2)
            answer += connection.recv(65_536)
        assert b"/problems/stalled" in answer
