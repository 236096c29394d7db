"""A service whose answers are a script."""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from service.client import AsyncClient, Client, Retry

AT_ONCE = Retry(attempts=5, first_seconds=0)

Step = httpx.Response | Exception


class Script:
    """Gives one answer after the other, and keeps what it was sent."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = iter(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = next(self._steps)
        if isinstance(step, Exception):
            raise step
        return step


def scripted(steps: Iterable[Step], retry: Retry | None = None) -> tuple[Client, Script]:
    script = Script(steps)
    return Client("http://service", transport=httpx.MockTransport(script), retry=retry), script


def ready() -> httpx.Response:
    return httpx.Response(200, json={"status": "ready", "model": {"name": "small", "version": 1}})


def unavailable(status: int = 503, **headers: str) -> httpx.Response:
    body = {"type": "/problems/overloaded", "title": "Busy", "status": status, "detail": "Later."}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def models() -> httpx.Response:
    return httpx.Response(200, json={"models": []})


def ndjson(*answers: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, content="".join(json.dumps(answer) + "\n" for answer in answers))


def in_a_loop(address: str, ask: Callable[[AsyncClient], Any], sticky_key: str | None = None) -> Any:
    """Answer of the asynchronous client."""

    async def main() -> Any:
        async with AsyncClient(address, api_key="secret", sticky_key=sticky_key) as client:
            return await ask(client)

    return asyncio.run(main())
