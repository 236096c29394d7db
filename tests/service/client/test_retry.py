"""When the client sends a request again."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from service.client import (
    AsyncClient,
    Client,
    ClientError,
    NotReachedError,
    PredictionBody,
    RefusedError,
    Retry,
    ServerError,
    UnavailableError,
)
from tests.service.client.scripted import AT_ONCE, Script, Step, ndjson, ready, scripted, unavailable


def test_it_asks_again_when_told_and_not_before(waits: list[float]) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    steps: list[Step] = [
        unavailable(retry_after="2"),
        unavailable(429, retry_after=soon),
        httpx.ConnectError("refused"),
        ready(),
    ]
    client, script = scripted(steps, Retry(first_seconds=1, most_seconds=10))
    assert client.health().status == "ready"
    assert 2 <= waits[0] <= 3
    assert 7 < waits[1] <= 11
    assert 0 <= waits[2] <= 4
    assert len({request.headers["x-request-id"] for request in script.requests}) == 1


def test_the_asynchronous_one_asks_again_too(waits: list[float]) -> None:
    script = Script([unavailable(retry_after="2"), httpx.ReadError("gone"), ready()])

    async def main() -> str:
        async with AsyncClient("http://service", transport=httpx.MockTransport(script)) as client:
            return (await client.health()).status

    assert asyncio.run(main()) == "ready"
    assert len(waits) == 2
    assert waits[0] >= 2


def test_waits_are_random_and_grow_up_to_a_bound() -> None:
    retry = Retry(first_seconds=1, most_seconds=8)
    error = httpx.ConnectError("refused")
    waits = [[retry.wait(error, sent, 0) or 0 for _ in range(200)] for sent in range(1, 8)]
    assert [round(max(of_one)) for of_one in waits] == [1, 2, 4, 8, 8, 8, 8]
    assert min(min(of_one) for of_one in waits) < 0.1


def test_it_gives_up_after_so_many_times(waits: list[float]) -> None:
    client, script = scripted([unavailable() for _ in range(9)], Retry(attempts=3))
    with pytest.raises(UnavailableError) as caught:
        client.health()
    assert (len(script.requests), len(waits), caught.value.detail) == (3, 2, "Later.")


def test_a_restart_of_half_a_minute_behind_a_proxy_is_sat_out(waits: list[float]) -> None:
    def during_the_restart(_: httpx.Request) -> httpx.Response:
        if sum(waits) < 30:
            return httpx.Response(502, text="<html>Bad gateway</html>")
        return ready()

    with Client("http://service", transport=httpx.MockTransport(during_the_restart)) as client:
        assert client.health().status == "ready"
    assert 30 <= sum(waits) <= 60


def test_patience_ends_after_the_seconds_that_were_set(waits: list[float]) -> None:
    client, script = scripted((httpx.ConnectError("refused") for _ in range(10_000)), Retry(patience_seconds=20))
    with pytest.raises(NotReachedError):
        client.health()
    assert 19.9 < sum(waits) <= 20
    assert len(script.requests) == len(waits) + 1


def test_it_does_not_begin_to_wait_for_longer_than_its_patience(waits: list[float]) -> None:
    client, _ = scripted([unavailable(retry_after="9"), ready()], Retry(patience_seconds=5))
    with pytest.raises(UnavailableError):
        client.health()
    assert waits == []


@pytest.mark.parametrize(
    "strange",
    ["Wed, 21 Oct 99999999999999999999 07:28:00 GMT", "Wed, 99 Oct 2026 07:28:00 GMT", "-1", "soon", "1e3", "٣"],
)
def test_a_retry_after_that_is_none_counts_as_not_given(waits: list[float], strange: str) -> None:
    response = httpx.Response(503, headers=[(b"retry-after", strange.encode())])
    client, _ = scripted([response, ready()])
    assert client.health().status == "ready"
    assert waits[0] <= 0.25


def test_a_retry_after_without_end_is_not_waited_for(waits: list[float]) -> None:
    client, _ = scripted([unavailable(retry_after="9" * 400), ready()])
    with pytest.raises(UnavailableError):
        client.health()
    assert waits == []


def test_what_was_answered_before_the_service_went_away_is_in_the_error() -> None:
    predictions = [{**LINE, "probability": number / 1_000} for number in range(1_000)]

    def answer(request: httpx.Request) -> httpx.Response:  # the second thousand comes with its own text
        if b"late" in request.content:
            raise httpx.ReadError("gone")
        return httpx.Response(200, json={"predictions": predictions, "model": {"name": "small", "version": 1}})

    texts = ["good"] * 1_000 + ["late"] * 500
    client = Client("http://service", transport=httpx.MockTransport(answer), retry=AT_ONCE)
    with client, pytest.raises(NotReachedError) as caught:
        client.predict_many(texts)
    assert [prediction.probability for prediction in caught.value.answered] == [n / 1_000 for n in range(1_000)]

    async def main() -> int:
        async with AsyncClient("http://service", transport=httpx.MockTransport(answer), retry=AT_ONCE) as client:
            with pytest.raises(NotReachedError) as caught:
                await client.predict_many(texts)
        return len(caught.value.answered)

    assert asyncio.run(main()) == 1_000


def test_it_gives_up_at_once_where_it_would_have_to_wait_too_long(waits: list[float]) -> None:
    client, script = scripted([unavailable(retry_after="3600"), ready()])
    with pytest.raises(UnavailableError):
        client.health()
    assert (len(script.requests), waits) == (1, [])


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (unavailable(504), UnavailableError),
        (unavailable(422), RefusedError),
        (unavailable(500), ServerError),
        (httpx.Response(418), RefusedError),
        (httpx.ReadTimeout("slow"), NotReachedError),
        (httpx.UnsupportedProtocol("no http"), NotReachedError),
    ],
)
def test_what_would_be_the_same_again_is_not_tried_again(
    waits: list[float], step: Step, error: type[ClientError]
) -> None:
    client, script = scripted([step])
    with pytest.raises(error) as caught:
        client.health()
    assert (len(script.requests), waits) == (1, [])
    assert caught.value.request_id == script.requests[0].headers["x-request-id"]
    assert "\n" not in str(caught.value)


def test_the_service_is_told_how_long_the_client_waits() -> None:
    script = Script([ready()])
    Client("http://service", timeout_seconds=2.5, transport=httpx.MockTransport(script)).health()
    assert script.requests[0].headers["x-request-timeout"] == "2.500"


LINE = {"line": 1, "label": "positive", "probability": 0.9, "words": 1, "known_words": 1, "truncated": False}


def test_an_answer_that_was_cut_off_is_asked_for_again() -> None:
    stopping = {"line": 1, "error": {"type": "/problems/shutting-down", "title": "", "status": 503, "detail": "Bye."}}
    whole = {"summary": {"lines": 1, "scored": 1, "errors": 0}}
    cut = {"summary": {"lines": 1, "scored": 0, "errors": 1, "complete": False}}
    client, script = scripted([ndjson(stopping, cut), ndjson(LINE), httpx.Response(200), ndjson(LINE, whole)], AT_ONCE)
    [answer] = client.score_lines(["good"])
    assert isinstance(answer, PredictionBody)
    assert len(script.requests) == 4
    client, _ = scripted([ndjson(stopping, cut)] * 5, AT_ONCE)
    with pytest.raises(NotReachedError, match="Bye"):
        list(client.score_lines(["good"]))
