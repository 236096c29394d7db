"""Answers that are none of the service: each becomes an error of the client."""

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.client import AsyncClient, Client, ClientError, InvalidAnswerError, RefusedError, ServerError
from tests.service.client.scripted import AT_ONCE, Step, ndjson, scripted

HTML = "<!DOCTYPE html><title>Sign in</title>"
LINE = {"line": 1, "label": "positive", "probability": 0.9, "words": 1, "known_words": 1, "truncated": False}
SUMMARY = {"summary": {"lines": 1, "scored": 1, "errors": 0}}


def broken_gzip(content: bytes) -> httpx.Response:
    """An answer whose content is decoded when it is read, as from the network."""
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    return httpx.Response(200, headers=headers, stream=httpx.ByteStream(content))


STRANGE: dict[str, Step] = {
    "a web page": httpx.Response(200, html=HTML),
    "a web page without its type": httpx.Response(200, content=HTML.encode()),
    "JSON of another service": httpx.Response(200, json={"hello": "world"}),
    "JSON that is nested deeply": httpx.Response(200, content=b"[" * 200_000),
    "nothing": httpx.Response(200, json=None),
    "a redirect": httpx.Response(301, headers={"location": "https://elsewhere/"}),
    "no redirect to anywhere": httpx.Response(304),
    "what is no gzip": broken_gzip(b"{}"),
    "fewer answers than texts": httpx.Response(200, json={"predictions": [], "model": None}),
    "a number too large": httpx.Response(200, json={"predictions": [{**LINE, "probability": 10**400}]}),
}


@pytest.mark.parametrize("name", STRANGE)
def test_an_answer_that_is_none_of_the_service_is_an_error_of_the_client(name: str) -> None:
    asked: list[Callable[[Client], Any]] = [
        lambda client: client.health(),
        lambda client: client.predict("good"),
        lambda client: client.predict_many(["good"]),
    ]
    for ask in asked:
        if name == "what is no gzip":
            client, script = scripted([broken_gzip(b"{}")], AT_ONCE)
        else:
            client, script = scripted([STRANGE[name]], AT_ONCE)
        with pytest.raises(InvalidAnswerError) as caught:
            ask(client)
        assert len(script.requests) == 1
        assert str(caught.value).startswith("The answer is not one of this service: ")
        assert len(str(caught.value)) < 500
        assert caught.value.request_id


def test_the_asynchronous_one_raises_the_same() -> None:
    async def ask(step: httpx.Response) -> Any:
        transport = httpx.MockTransport(lambda _: step)
        async with AsyncClient("http://service", transport=transport) as client:
            with pytest.raises(InvalidAnswerError):
                await client.predict("good")
            with pytest.raises(InvalidAnswerError):
                await asyncio.gather(client.predict("good"), client.predict("bad"))

    for step in (httpx.Response(200, html=HTML), httpx.Response(200, json={"predictions": []})):
        asyncio.run(ask(step))


def test_gzip_that_ends_too_early_is_an_error_of_the_client() -> None:
    whole = gzip.compress(b'{"status": "ready", "model": {"name": "small", "version": 1}}')
    client, _ = scripted([broken_gzip(whole[:-20])], AT_ONCE)
    with pytest.raises(ClientError):
        client.health()


def test_lines_of_another_service_are_not_asked_for_again() -> None:
    client, script = scripted([httpx.Response(200, html=HTML)], AT_ONCE)
    with pytest.raises(InvalidAnswerError, match="it is text/html"):
        list(client.score_lines(["good"]))
    assert len(script.requests) == 1


@pytest.mark.parametrize("lines", [[SUMMARY], [LINE, LINE, SUMMARY], [{"line": 1}, SUMMARY], [7, SUMMARY]])
def test_lines_that_do_not_answer_the_texts_are_an_error(lines: list[Any]) -> None:
    client, _ = scripted([ndjson(*lines)], AT_ONCE)
    with pytest.raises(InvalidAnswerError):
        list(client.score_lines(["good"]))


def test_control_characters_of_an_answer_do_not_reach_the_terminal() -> None:
    body = {"type": "x", "title": "\x1b[2J\x9b", "status": 422, "detail": "a\nb\u202e\u2028", "pointer": None}
    client, _ = scripted([httpx.Response(422, json=body)])
    with pytest.raises(RefusedError) as caught:
        client.health()
    assert str(caught.value) == r"\x1b[2J\x9b: a\nb\u202e\u2028"
    assert caught.value.detail == "a\nb\u202e\u2028"


@pytest.mark.parametrize("charset", ["hex", "undefined", "utf-16", "no such"])
def test_a_page_in_place_of_a_problem_is_quoted_whatever_its_charset(charset: str) -> None:
    headers = {"content-type": f"text/html; charset={charset}"}
    client, _ = scripted([httpx.Response(500, content=b"<h1>\xff\x1b", headers=headers)])
    with pytest.raises(ServerError, match="The answer is 500") as caught:
        client.health()
    assert str(caught.value).isprintable()


def test_a_pointer_with_a_number_of_a_thousand_digits_is_left_alone() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        body = {"type": "x", "title": "T", "status": 422, "detail": "D", "pointer": "/texts/" + "9" * 5_000}
        return httpx.Response(422, json=body)

    with Client("http://service", transport=httpx.MockTransport(refuse)) as client, pytest.raises(RefusedError):
        client.predict_many(["good"] * 2_500)
