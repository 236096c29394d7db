"""What every request passes first and last, whatever its route: its id, who sends it, how long it may take; and a line
in the log and the metrics when it is done.
"""

import asyncio
import logging
import random
import re
from collections.abc import Iterator
from itertools import chain
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.page import is_page
from service.api.v2.errors import as_v2
from service.errors import (
    DeadlineError,
    HeadersTooLargeError,
    InvalidRequestError,
    OverloadedError,
    RequestError,
    ServiceError,
)
from service.metrics import Metrics
from service.problems import internal_response, problem_response, slug_of
from service.server.api_keys import ApiKeys
from service.server.lifecycle import Lifecycle
from service.server.logs import RequestLog
from service.settings import Settings

logger = logging.getLogger("service")

CLIENT_LEFT = "the client left"
"""With this message `service.server.protocol` cancels the request of a connection that was closed."""

TIME_IS_UP = "time is up"
"""And with this one, `Edge` that of a request whose time ran out."""

CLIENT_LEFT_STATUS = 499  # as nginx logs it

HEALTH_ROUTES = frozenset({"/health", "/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"})
"""Need no key, and are answered however much is in work."""

_ALWAYS_TAKEN = HEALTH_ROUTES | {"/metrics"}
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_SECONDS = re.compile(rb"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_random = random.Random()  # noqa: S311 (seeded by the system; an id tells requests apart and is no secret)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Edge:
    """ASGI middleware around all routes.

    Args:
        app: the routes.
        settings: limits.
        api_keys: who may ask.
        metrics: where requests are counted.
        lifecycle: whether connections should come to an end.
        log: where requests get their line; None for none.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        api_keys: ApiKeys,
        metrics: Metrics,
        lifecycle: Lifecycle,
        log: RequestLog | None,
    ) -> None:
        self._app = app
        self._settings = settings
        self._api_keys = api_keys
        self._metrics = metrics
        self._lifecycle = lifecycle
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])  # of those sent twice the last
        request_id = _request_id(headers)
        scope["request_id"] = request_id
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self._headers(request_id, headers)]
            await send(message)

        deadline: asyncio.TimerHandle | None = None
        self._metrics.in_progress += 1
        try:
            seconds = self._admit(scope, headers)
            task = asyncio.current_task()
            assert task
            scope["task"] = task
            scope["deadline"] = deadline = asyncio.get_running_loop().call_later(seconds, task.cancel, TIME_IS_UP)
            await self._app(scope, receive, send_with_id)
        except asyncio.CancelledError as error:
            if error.args == (CLIENT_LEFT,):
                status = CLIENT_LEFT_STATUS
            elif error.args == (TIME_IS_UP,):
                late = DeadlineError(f"There was no answer within {seconds:g} seconds.")
                await self._refuse(late, status, scope, receive, send_with_id)
            else:
                raise
        except ServiceError as error:
            await self._refuse(error, status, scope, receive, send_with_id)
        except Exception:
            logger.exception("a bug", extra={"request_id": request_id})
            if not status:
                await as_v2(scope["path"], internal_response())(scope, receive, send_with_id)
        finally:
            if deadline:
                deadline.cancel()
            self._metrics.in_progress -= 1
            duration = perf_counter() - began
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.answered(method, getattr(scope.get("route"), "path", "none"), status, duration)
            if self._log:
                self._log.add(**_log_fields(scope, status, duration, headers))

    def _admit(self, scope: Scope, headers: dict[bytes, bytes]) -> float:
        """How many seconds a request may take, if it may come in at all.

        Raises:
            ServiceError: it may not.
        """
        settings, path = self._settings, scope["path"]
        size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        size += sum(map(len, chain.from_iterable(scope["headers"])))
        if size > settings.max_header_bytes:
            raise HeadersTooLargeError(f"The headers have {size:,} bytes; {settings.max_header_bytes:,} are allowed.")
        if path not in HEALTH_ROUTES and not is_page(path):
            self._api_keys.check(headers.get(b"authorization"))
        if self._metrics.in_progress > settings.max_requests and path not in _ALWAYS_TAKEN:
            raise OverloadedError(f"{settings.max_requests:,} requests are in work already; try again shortly.")
        asked = headers.get(b"x-request-timeout")
        if asked is None:
            return settings.timeout_seconds
        if not _SECONDS.fullmatch(asked) or not float(asked):
            raise InvalidRequestError(
                "X-Request-Timeout should be a number of seconds such as 2.5.", "X-Request-Timeout"
            )
        return min(float(asked), settings.timeout_seconds)

    async def _refuse(self, error: ServiceError, status: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with an error. Where half an answer is out, only that the connection breaks can tell of it."""
        if "deadline" in scope:
            scope["deadline"].cancel()  # this answer shall be whole
        if not isinstance(error, RequestError):
            self._metrics.rejected(slug_of(error))
        if status:
            logger.warning("cut off: %s", error, extra={"request_id": scope["request_id"]})
        else:
            await as_v2(scope["path"], problem_response(error))(scope, receive, send)

    def _headers(self, request_id: str, headers: dict[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
        """What every answer has."""
        yield b"x-request-id", request_id.encode()
        if b"traceparent" in headers and _trace_id(headers):
            yield b"traceparent", headers[b"traceparent"]
        if self._lifecycle.draining:
            yield b"connection", b"close"


def _request_id(headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id")
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else f"{_random.getrandbits(128):032x}"


def _trace_id(headers: dict[bytes, bytes]) -> str | None:
    found = _TRACEPARENT.fullmatch(headers[b"traceparent"])
    return found[1].decode() if found else None


def _log_fields(scope: Scope, status: int, seconds: float, headers: dict[bytes, bytes]) -> dict[str, Any]:
    """Never the query or anything of the body: they may hold what somebody wrote."""
    fields = {
        "request_id": scope["request_id"],
        "method": scope["method"],
        "path": scope["path"][:200],
        "status": status,
        "milliseconds": round(seconds * 1e3, 2),
    }
    if client := scope.get("client"):
        fields["client"] = client[0]
    if texts := scope.get("texts"):
        fields["texts"] = texts
    if b"traceparent" in headers and (trace_id := _trace_id(headers)):
        fields["trace_id"] = trace_id
    return fields
