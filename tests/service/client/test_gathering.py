"""Single predictions that are asked for at the same time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest

from service.client import AsyncClient, NotFoundError, RefusedError, UnavailableError
from tests.service.client.scripted import AT_ONCE, unavailable
from tests.service.running import Running


class Counting(httpx.AsyncHTTPTransport):
    """Counts requests."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[httpx.Request] = []
        self.in_flight = self.most_in_flight = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await super().handle_async_request(request)
        finally:
            self.in_flight -= 1


def counted(service: Running, ask: Callable[[AsyncClient], Any], **options: Any) -> tuple[Any, Counting]:
    transport = Counting()

    async def main() -> Any:
        async with AsyncClient(service.address, api_key="secret", transport=transport, **options) as client:
            return await ask(client)

    return asyncio.run(main()), transport


def test_predictions_asked_for_at_the_same_time_share_requests(service: Running) -> None:
    async def ask(client: AsyncClient) -> Any:
        gathered = await asyncio.gather(*(client.predict("good" if n % 3 else "bad") for n in range(2_000)))
        return gathered, await client.predict_many(["good" if n % 3 else "bad" for n in range(2_000)])

    (gathered, many), transport = counted(service, ask)
    assert len(transport.requests) == 4
    assert [p.probability for p in gathered] == [p.probability for p in many]
    assert {(p.model.name, p.model.version) for p in gathered} == {("small", 1)}


def test_each_caller_gets_the_answer_of_the_model_asked_for(service: Running) -> None:
    async def ask(client: AsyncClient) -> Any:
        return await asyncio.gather(
            client.predict("good"),
            client.predict("좋다", model="auto"),
            client.predict("good", version=2),
            client.predict("good", model="auto"),
        )

    answers, transport = counted(service, ask)
    assert [(a.label, str(a.model.name), a.model.version) for a in answers] == [
        ("positive", "small", 1),
        ("positive", "small-korean", 1),
        ("negative", "small", 2),
        ("positive", "small", 1),
    ]
    assert len(transport.requests) == 3


def test_a_text_without_an_answer_fails_its_own_caller_alone(service: Running) -> None:
    texts = ["good"] * 50
    texts[7], texts[30] = " ", "x" * 61

    async def ask(client: AsyncClient) -> Any:
        return await asyncio.gather(*map(client.predict, texts), return_exceptions=True)

    answers, _ = counted(service, ask)
    errors = {n: (a.type, a.pointer) for n, a in enumerate(answers) if isinstance(a, RefusedError)}
    assert errors == {7: ("/problems/blank-text", "/text"), 30: ("/problems/text-too-long", "/text")}
    assert sum(1 for answer in answers if getattr(answer, "label", "") == "positive") == 48


def test_what_concerns_every_caller_is_asked_once(service: Running) -> None:
    async def ask(client: AsyncClient) -> Any:
        return await asyncio.gather(*(client.predict("good", model="none") for _ in range(9)), return_exceptions=True)

    answers, transport = counted(service, ask)
    assert [type(answer) for answer in answers] == [NotFoundError] * 9
    assert len(transport.requests) == 1


def test_a_request_id_of_its_own_means_a_request_of_its_own(service: Running) -> None:
    async def ask(client: AsyncClient) -> Any:
        await asyncio.gather(client.predict("good", request_id="mine-1"), client.predict("good", request_id="mine-2"))

    _, transport = counted(service, ask)
    assert [request.headers["x-request-id"] for request in transport.requests] == ["mine-1", "mine-2"]


def test_a_caller_that_leaves_takes_no_other_along(service: Running) -> None:
    async def ask(client: AsyncClient) -> Any:
        tasks = [asyncio.create_task(client.predict("good")) for _ in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        tasks[2].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers, _ = counted(service, ask)
    assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [False, True, True, False]
    assert answers[3].label == "positive"


def test_a_call_waits_for_its_turn_longer_than_a_request_may_take() -> None:
    body = b'{"status": "ready", "model": {"name": "small", "version": 1}}'
    in_flight = most = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal in_flight, most
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                in_flight += 1
                most = max(most, in_flight)
                await asyncio.sleep(0.1)
                in_flight -= 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    async def main() -> int:
        server = await asyncio.start_server(answer, "127.0.0.1")
        address = "http://{}:{}".format(*server.sockets[0].getsockname())
        async with AsyncClient(address, max_requests=2, timeout_seconds=1.5) as client:
            answers = await asyncio.gather(*(client.health() for _ in range(60)))
        server.close()
        await asyncio.sleep(0.1)  # in which the ends of the connections are seen
        return len(answers)

    assert asyncio.run(main()) == 60
    assert most == 2


def test_closing_ends_what_waits() -> None:
    async def main() -> Any:
        never = asyncio.Event()

        async def hang(_: httpx.Request) -> httpx.Response:
            await never.wait()
            raise AssertionError

        client = AsyncClient("http://service", transport=httpx.MockTransport(hang))
        task = asyncio.create_task(client.predict("good"))
        await asyncio.sleep(0.01)
        await client.close()
        return await asyncio.gather(task, return_exceptions=True)

    [answer] = asyncio.run(main())
    assert isinstance(answer, asyncio.CancelledError)


def test_an_error_of_the_service_reaches_every_caller() -> None:
    async def main() -> Any:
        transport = httpx.MockTransport(lambda _: unavailable())
        async with AsyncClient("http://service", transport=transport, retry=AT_ONCE) as client:
            return await asyncio.gather(client.predict("good"), client.predict("bad"), return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(main())] == [UnavailableError] * 2


@pytest.mark.parametrize("text", [None, float("nan"), 7, b"good"])
def test_what_is_no_text_is_named_before_anything_is_sent(text: Any) -> None:
    async def main() -> None:
        async with AsyncClient("http://service", transport=httpx.MockTransport(lambda _: unavailable())) as client:
            await client.predict(text)

    with pytest.raises(TypeError, match="a text is a str"):
        asyncio.run(main())
