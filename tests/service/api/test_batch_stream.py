"""How `POST /predict/batch` streams: both ways at once, bounded in between, over in a moment when nobody listens."""

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from service.api.delivery import Delivery
from service.api.spool import Spool, SpoolBudget
from service.api.stream import BatchStream
from service.errors import BodyTooLargeError, OverloadedError, ShuttingDownError, StalledError
from service.files.plain import PlainFormat
from service.files.reading import Reader
from service.files.record import Options
from service.inference.batching import MAX_JOB_TEXTS, STREAM_WINDOW_TEXTS, STREAM_WINDOWS_AHEAD
from service.scheduler import Scheduler
from tests.service.conftest import MODELS_DIR
from tests.service.running import running
from tests.service.test_scheduler import Echo, until

Message = MutableMapping[str, Any]


class Client:
    """The other end of a stream: what it sends, what it has got, and whether it reads at all."""

    def __init__(self) -> None:
        self.sending: asyncio.Queue[Message] = asyncio.Queue()
        self.taken = 0  # messages that were asked for
        self.body = b""
        self.started = False
        self.headers: list[tuple[bytes, bytes]] = []
        self.ended = False
        self.reading = asyncio.Event()
        self.reading.set()

    def send(self, body: bytes, more: bool = True) -> None:
        self.sending.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def leave(self) -> None:
        self.sending.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> Message:
        message = await self.sending.get()
        self.taken += 1
        return message

    async def take(self, message: Message) -> None:
        await self.reading.wait()
        self.started |= message["type"] == "http.response.start"
        self.headers = message.get("headers", self.headers)
        self.body += message.get("body", b"")
        self.ended |= message.get("more_body") is False

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.body.splitlines()]


Test = Callable[[Client, Echo, Scheduler], Awaitable[None]]


def stream_of(
    client: Client,
    predict: Callable[..., Awaitable[Any]],
    idle_seconds: float = 10,
    stopping: asyncio.Event | None = None,
    delivery: Delivery = Delivery.AT_ONCE,
    spool_bytes: int = 1_000_000,
) -> BatchStream:
    file_format = PlainFormat(Options())
    return BatchStream(
        client.receive,
        file_format,
        Reader(file_format, compressed=False),
        predict,
        delivery=delivery,
        budget=SpoolBudget(spool_bytes),
        compress=False,
        idle_seconds=idle_seconds,
        stopping=stopping,
    )


def streaming(
    test: Test,
    idle_seconds: float = 10,
    stopping: asyncio.Event | None = None,
    delivery: Delivery = Delivery.AT_ONCE,
    spool_bytes: int = 1_000_000,
    cut_off: type[Exception] | None = None,
) -> None:
    """Run a stream and a test beside it; nothing may be left of the stream when the test is over.

    Args:
        test: gets the client, the model and the scheduler.
        idle_seconds: of the stream.
        stopping: of the stream.
        delivery: of the stream.
        spool_bytes: that the stream may keep.
        cut_off: the error that the stream ends with, for whoever breaks the connection.
    """

    async def main() -> None:
        client, echo, scheduler = Client(), Echo(), Scheduler(1)
        scheduler.start()
        predict = partial(scheduler.predict, echo, urgency="low")
        stream = stream_of(client, predict, idle_seconds, stopping, delivery, spool_bytes)

        async def respond() -> None:
            with pytest.raises(cut_off) if cut_off else nullcontext():
                await stream.begin()
                await stream({"type": "http"}, client.receive, client.take)

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            response = group.create_task(respond())
            await test(client, echo, scheduler)
            echo.gate.set()
            client.reading.set()
            await response
        await scheduler.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_line_is_answered_before_the_next_is_sent() -> None:
    async def test(client: Client, _: Echo, __: Scheduler) -> None:
        for number in range(1, 6):
            client.send(f"line {number}\n".encode())
            await until(lambda number=number: len(client.answers) == number)  # type: ignore[misc]
        client.send(b"", more=False)

    streaming(test)


def test_answers_keep_the_order_of_the_lines() -> None:
    async def test(client: Client, _: Echo, __: Scheduler) -> None:
        for start in range(0, 1_000, 100):
            client.send(b"".join(b"%d\n" % n if n % 7 else b"\n" for n in range(start, start + 100)))
        client.send(b"end", more=False)
        await until(lambda: client.ended)
        *answers, summary = client.answers
        assert [answer["line"] for answer in answers] == list(range(1, 1_002))
        assert [a.get("label") for a in answers] == [str(n) if n % 7 else None for n in range(1_000)] + ["end"]
        assert summary["summary"]["lines"] == 1_001

    streaming(test)


def test_a_client_that_reads_nothing_is_read_no_further() -> None:
    async def test(client: Client, _: Echo, __: Scheduler) -> None:
        client.reading.clear()
        for _chunk in range(50):
            client.send(b"good\n" * STREAM_WINDOW_TEXTS)
        client.send(b"", more=False)
        await until(lambda: client.taken > STREAM_WINDOWS_AHEAD)
        await asyncio.sleep(0.2)
        assert client.taken <= STREAM_WINDOWS_AHEAD + 3
        client.reading.set()
        await until(lambda: client.ended)
        assert client.answers[-1]["summary"]["scored"] == 50 * STREAM_WINDOW_TEXTS

    streaming(test)


def test_while_the_scores_are_late_no_more_is_read() -> None:
    async def test(client: Client, echo: Echo, _: Scheduler) -> None:
        echo.gate.clear()
        for _chunk in range(50):
            client.send(b"good\n" * STREAM_WINDOW_TEXTS)
        client.send(b"", more=False)
        await until(lambda: echo.computed)
        await asyncio.sleep(0.2)
        assert client.taken <= STREAM_WINDOWS_AHEAD + 3

    streaming(test)


def test_what_comes_in_small_pieces_is_scored_together() -> None:
    async def test(client: Client, echo: Echo, _: Scheduler) -> None:
        for _piece in range(MAX_JOB_TEXTS):
            client.send(b"good\n" * 4)
        client.send(b"", more=False)
        await until(lambda: client.ended)
        assert [len(texts) for texts in echo.computed] == [MAX_JOB_TEXTS] * 4

    streaming(test)


@pytest.mark.parametrize("reading", [True, False])
def test_a_client_that_leaves_ends_the_work(reading: bool) -> None:
    async def test(client: Client, echo: Echo, _: Scheduler) -> None:
        echo.gate.clear()
        client.send(b"good\n" * MAX_JOB_TEXTS * 3)
        client.leave()
        await until(lambda: client.taken == 2)
        if not reading:
            client.reading.clear()
        echo.gate.set()

    streaming(test)


def test_a_client_that_leaves_after_its_last_line_ends_the_work() -> None:
    async def test(client: Client, echo: Echo, _: Scheduler) -> None:
        echo.gate.clear()
        client.send(b"good\n" * MAX_JOB_TEXTS * 3, more=False)
        await until(lambda: echo.computed)
        client.leave()
        await asyncio.sleep(0.05)
        echo.gate.set()
        await asyncio.sleep(0.05)
        assert len(echo.computed) <= 2  # the one in work and the one made ready
        assert not client.ended

    streaming(test)


def test_a_client_that_leaves_before_anything_is_known_is_no_answer() -> None:
    async def main() -> None:
        client = Client()
        client.leave()
        stream = stream_of(client, partial(Scheduler(1).predict, Echo(), urgency="low"))
        with pytest.raises(ClientDisconnect):
            await stream.begin()

    asyncio.run(main())


def test_a_file_that_stops_coming_is_cut_off_with_an_error() -> None:
    async def test(client: Client, _: Echo, __: Scheduler) -> None:
        client.send(b"good\nbad\nhal")
        await until(lambda: b"summary" in client.body)
        *answers, cut, summary = client.answers
        assert [answer["label"] for answer in answers] == ["good", "bad"]
        assert (cut["line"], cut["error"]["type"]) == (3, "/problems/stalled")
        assert summary == {"summary": {"lines": 3, "scored": 2, "errors": 1, "complete": False}}
        assert not client.ended

    streaming(test, idle_seconds=0.2, cut_off=StalledError)


def test_a_client_that_takes_nothing_is_given_up() -> None:
    async def test(client: Client, _: Echo, __: Scheduler) -> None:
        client.send(b"good\n")
        await until(lambda: client.body)
        client.reading.clear()
        client.send(b"bad\n" * STREAM_WINDOW_TEXTS * 20)
        await asyncio.sleep(0.5)
        assert not client.ended

    streaming(test, idle_seconds=0.2)


def test_a_service_that_stops_answers_what_it_has_read_and_says_so() -> None:
    stopping = asyncio.Event()

    async def test(client: Client, _: Echo, __: Scheduler) -> None:
        client.send(b"good\nbad\n")
        await until(lambda: len(client.answers) == 2)
        stopping.set()
        await until(lambda: b"summary" in client.body)
        assert not client.ended
        assert client.answers[2]["error"]["type"] == "/problems/shutting-down"
        assert client.answers[3]["summary"] == {"lines": 3, "scored": 2, "errors": 1, "complete": False}

    streaming(test, stopping=stopping, cut_off=ShuttingDownError)


def test_an_answer_that_is_kept_goes_out_when_the_whole_file_has_come() -> None:
    async def test(client: Client, _: Echo, __: Scheduler) -> None:
        client.send(b"good\n" * 1_000)
        await asyncio.sleep(0.2)
        assert not client.started
        client.send(b"bad", more=False)
        await until(lambda: client.ended)
        assert client.answers[-1]["summary"] == {"lines": 1_001, "scored": 1_001, "errors": 0}

    streaming(test, delivery=Delivery.KEPT)


def test_an_answer_that_cannot_be_kept_any_longer_goes_out_at_once() -> None:
    async def test(client: Client, _: Echo, __: Scheduler) -> None:
        client.send(b"good\n" * 1_000)  # answers of 85 kB
        await until(lambda: client.started)
        client.send(b"bad", more=False)
        await until(lambda: client.ended)
        assert [answer.get("line") for answer in client.answers] == [*range(1, 1_002), None]

    streaming(test, delivery=Delivery.KEPT, spool_bytes=10_000)


def test_a_whole_answer_has_its_length_and_the_summary_in_its_head() -> None:
    async def test(client: Client, _: Echo, __: Scheduler) -> None:
        client.send(b"good\n" * 100)
        await asyncio.sleep(0.1)
        assert not client.started
        client.send(b"", more=False)
        await until(lambda: client.ended)
        headers = {name.decode(): value.decode() for name, value in client.headers}
        assert headers["content-length"] == str(len(client.body))
        assert json.loads(headers["x-summary"]) == client.answers[-1]["summary"]

    streaming(test, delivery=Delivery.WHOLE)


def test_a_whole_answer_to_a_file_that_stalls_is_a_problem_and_nothing_else() -> None:
    async def test(client: Client, _: Echo, __: Scheduler) -> None:
        client.send(b"good\nbad\nhal")
        await asyncio.sleep(0.5)
        assert not client.started

    streaming(test, idle_seconds=0.2, delivery=Delivery.WHOLE, cut_off=StalledError)


def test_a_whole_answer_that_is_too_large_is_a_problem_and_nothing_else() -> None:
    async def test(client: Client, _: Echo, __: Scheduler) -> None:
        client.send(b"good\n" * 1_000)
        client.send(b"", more=False)
        await asyncio.sleep(0.5)
        assert not client.started

    streaming(test, delivery=Delivery.WHOLE, spool_bytes=10_000, cut_off=BodyTooLargeError)


def test_answers_that_are_kept_for_others_leave_no_room() -> None:
    budget = SpoolBudget(100)

    async def main() -> None:
        with Spool(budget) as first, Spool(budget) as second:
            await first.write(b"x" * 60)
            with pytest.raises(OverloadedError):
                await second.write(b"x" * 60)
        assert budget.taken == 0

    asyncio.run(main())


# Over a real connection.


@contextmanager
def uploading(address: str, media_type: str = "text/plain", path: str = "/predict/batch") -> Iterator[socket.socket]:
    """A connection on which the head of a chunked upload was sent."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {media_type}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        yield connection


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def received(connection: socket.socket, until: bytes) -> bytes:
    data = b""
    while until not in data:
        part = connection.recv(65_536)
        assert part, data
        data += part
    return data


def sent_until_blocked(connection: socket.socket, block: bytes, at_most: int) -> int:
    """Bytes that the other end and the buffers on the way took before they took no more for a second."""
    sent = 0
    connection.settimeout(1)
    try:
        while sent < at_most:
            sent += connection.send(block)
    except TimeoutError:
        pass
    return sent


def memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1e3


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[int, str]]:
    """A running service with one process: its id and its address."""
    with running("--models-dir", str(MODELS_DIR), "--workers", "1") as service:
        yield service.process.pid, service.address


def test_over_a_connection_answers_come_while_lines_are_sent(service: tuple[int, str]) -> None:
    with uploading(service[1]) as connection:
        for number in range(1, 4):
            connection.sendall(chunk(b"I loved every minute of it.\n"))
            assert b'{"line":%d,"label":"positive"' % number in received(connection, b"}\n")
        connection.sendall(chunk(b""))
        assert b'"scored":3' in received(connection, b"0\r\n")


def test_over_a_connection_the_summary_is_a_trailer_and_the_connection_goes_on(service: tuple[int, str]) -> None:
    with uploading(service[1], "text/csv") as connection:
        connection.sendall(chunk(b"text\nI loved it.\n\n,\n") + chunk(b""))
        answer = received(connection, b"\r\n\r\nx-summary".replace(b"\r\n\r\n", b"\r\n0\r\n"))
        answer += b"" if answer.endswith(b"\r\n\r\n") else received(connection, b"\r\n\r\n")
        assert b"trailer: X-Summary\r\n" in answer
        assert answer.endswith(b'\r\n0\r\nx-summary: {"lines":2,"scored":1,"errors":1}\r\n\r\n')
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"HTTP/1.1 200 OK" in received(connection, b"}}")


def test_over_a_connection_a_reader_that_stops_stops_the_reading(service: tuple[int, str]) -> None:
    pid, address = service
    block = chunk(b"A waste of two hours, and I want them back.\n" * 1_000)
    with uploading(address) as connection:
        connection.sendall(block)
        received(connection, b"}\n")
        before = memory_mb(pid)
        assert sent_until_blocked(connection, block, at_most=200_000_000) < 100_000_000
        assert memory_mb(pid) - before < 20


def test_over_a_connection_nothing_is_left_of_clients_that_left(service: tuple[int, str]) -> None:
    pid, address = service
    lines = b"A waste of two hours, and I want them back.\n" * 2_000

    def leave_in_the_middle() -> None:
        with uploading(address) as connection:
            connection.sendall(chunk(lines))
            received(connection, b"}\n")

    for _ in range(5):
        leave_in_the_middle()
    before = memory_mb(pid)
    for _ in range(30):
        leave_in_the_middle()
    time.sleep(0.5)
    assert memory_mb(pid) - before < 10
