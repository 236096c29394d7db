"""The middleware of all routes: request id, checks of host and key, admission, deadline, and at the end the log line
and the metrics.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from itertools import chain
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.context import RequestContext, open_context
from service.api.error_shapes import in_shape
from service.api.health import HEALTH_ROUTES
from service.api.page import is_page
from service.api.reference import is_reference
from service.chance import CHANCE
from service.errors import (
    DeadlineError,
    HeadersTooLargeError,
    InvalidRequestError,
    OverloadedError,
    RequestError,
    ServiceError,
)
from service.lifecycle import Lifecycle
from service.metrics import Metrics
from service.problems import internal_response, problem_response, slug_of
from service.server.admission import Admission, Place, StreamPlace
from service.server.hosts import HostPolicy
from service.server.keys import ApiKeys
from service.server.logs import RequestLog
from service.settings import Settings

logger = logging.getLogger("service")

CLIENT_LEFT = "the client left"
"""Message with which `service.server.protocol` cancels the request of a closed connection."""

TIME_IS_UP = "time is up"
"""Message with which `RequestMiddleware` cancels a request whose time has run out."""

CROWDED = "sentiment.crowded"
"""ASGI extension of a request on a connection that is kept free for health."""

CLIENT_LEFT_STATUS = 499  # as nginx logs it

SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Headers of every answer that does not set them: the media type is binding, and no content is run."""

_ALWAYS_TAKEN = HEALTH_ROUTES | {"/metrics"}
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_SECONDS = re.compile(rb"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMiddleware:
    """ASGI middleware around all routes.

    Args:
        app: the routes.
        settings: limits.
        api_keys: valid keys.
        metrics: counts requests.
        lifecycle: tells whether connections should be closed.
        log: log of requests; None for none.
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
        self._hosts = HostPolicy(settings)
        self._admission = Admission(settings)
        self._metrics = metrics
        self._lifecycle = lifecycle
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request; answer it if it is refused or fails."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        context = open_context(scope, _request_id(headers), headers)
        answer = _Answer(send, scope["method"], context, self._lifecycle)
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # RFC 9110, section 9.3.2: the same, without the body
        place: Place | StreamPlace | None = None
        self._metrics.in_progress += 1
        try:
            place = self._admit(scope, receive, context)
            seconds = self._seconds(headers)
            loop = asyncio.get_running_loop()
            context.task = task = asyncio.current_task(loop)
            assert task
            context.deadline = loop.call_later(seconds, task.cancel, TIME_IS_UP)
            await self._app(scope, place.receive, answer.send)
        except asyncio.CancelledError as error:
            if error.args == (CLIENT_LEFT,):
                answer.status = CLIENT_LEFT_STATUS
            elif error.args == (TIME_IS_UP,):
                late = DeadlineError(f"There was no answer within {seconds:g} seconds.")
                await self._refuse(late, scope, context, answer)
            else:
                raise
        except ServiceError as error:
            await self._refuse(error, scope, context, answer)
        except ClientDisconnect:  # before a file was understood
            answer.status = CLIENT_LEFT_STATUS
        except Exception:
            logger.exception("a bug", extra={"request_id": context.request_id})
            if not answer.status:
                await in_shape(context.errors_like or scope["path"], internal_response())(scope, receive, answer.send)
        finally:
            context.lift_deadline()
            if place:
                place.leave()
            self._metrics.in_progress -= 1
            self._record(scope, context, answer, perf_counter() - began)

    def _record(self, scope: Scope, context: RequestContext, answer: "_Answer", seconds: float) -> None:
        method = answer.method if answer.method in _METHODS else "other"
        self._metrics.answered(method, getattr(scope.get("route"), "path", "none"), answer.status, seconds)
        if context.caller and context.caller.name:
            self._metrics.called(context.caller.name, answer.status, context.texts)
        if self._log:
            self._log.add(**_log_fields(scope, context, answer, seconds))

    def _admit(self, scope: Scope, receive: Receive, context: RequestContext) -> Place | StreamPlace:
        """Check the headers of a request and take a place for it.

        Raises:
            ServiceError: the request is refused.
        """
        settings, path, headers = self._settings, scope["path"], context.headers
        size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        size += sum(map(len, chain.from_iterable(scope["headers"])))
        if size > settings.max_header_bytes:
            raise HeadersTooLargeError(f"The headers have {size:,} bytes; {settings.max_header_bytes:,} are allowed.")
        healthy = path in HEALTH_ROUTES
        if CROWDED in scope.get("extensions", ()) and not healthy:
            raise OverloadedError(f"{settings.max_connections:,} connections are open already; try again shortly.")
        self._hosts.check(scope["headers"], headers, scope["http_version"], healthy)
        if not (healthy or is_page(scope["method"], path) or is_reference(path)):
            caller = self._api_keys.check(headers.get(b"authorization"), headers.get(b"x-api-key"))
            if caller:
                context.caller = caller
                if path not in _ALWAYS_TAKEN:
                    caller.take_request()
        return self._admission.enter(path, receive, path in _ALWAYS_TAKEN)

    def _seconds(self, headers: dict[bytes, bytes]) -> float:
        """Return the time that a request may take.

        Raises:
            InvalidRequestError: X-Request-Timeout is not a number of seconds.
        """
        asked = headers.get(b"x-request-timeout")
        if asked is None:
            return self._settings.timeout_seconds
        if not _SECONDS.fullmatch(asked) or not float(asked):
            raise InvalidRequestError(
                "X-Request-Timeout should be a number of seconds such as 2.5.", "X-Request-Timeout"
            )
        return min(float(asked), self._settings.timeout_seconds)

    async def _refuse(self, error: ServiceError, scope: Scope, context: RequestContext, answer: "_Answer") -> None:
        """Answer with an error. If the answer has begun, only log it: the broken connection shows the error."""
        context.lift_deadline()  # the answer with the error must be complete
        if not isinstance(error, RequestError):
            self._metrics.rejected(slug_of(error))
        if answer.status:
            logger.warning("cut off: %s", error, extra={"request_id": context.request_id})
        else:
            await in_shape(context.errors_like or scope["path"], problem_response(error))(
                scope, _receive_nothing, answer.send
            )


class _Answer:
    """The answer to a request: add the headers that every answer has, and keep the status."""

    def __init__(self, send: Send, method: str, context: RequestContext, lifecycle: Lifecycle) -> None:
        self.method = method
        self.status = 0
        self._send = send
        self._context = context
        self._lifecycle = lifecycle

    async def send(self, message: Message) -> None:
        """Send a part of the answer; for HEAD only the headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._with_headers(list(message.get("headers", ())))
        elif self.method == "HEAD" and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    def _with_headers(self, fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = dict(fields)
        fields += [field for field in SAFE_HEADERS if field[0] not in names]
        context = self._context
        fields.append((b"x-request-id", context.request_id.encode()))
        if context.model:
            fields.append((b"x-model", str(context.model).encode()))
        if b"traceparent" in context.headers and _trace_id(context.headers):
            fields.append((b"traceparent", context.headers[b"traceparent"]))
        if self._lifecycle.draining:
            fields.append((b"connection", b"close"))
        return fields


async def _receive_nothing() -> Message:
    return {"type": "http.disconnect"}


def _request_id(headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id")
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else f"{CHANCE.getrandbits(128):032x}"


def _trace_id(headers: Mapping[bytes, bytes]) -> str | None:
    found = _TRACEPARENT.fullmatch(headers[b"traceparent"])
    return found[1].decode() if found else None


def _log_fields(scope: Scope, context: RequestContext, answer: _Answer, seconds: float) -> dict[str, Any]:
    """Make the fields of a log line, without the query and the body, which may hold personal data."""
    fields = {
        "request_id": context.request_id,
        "method": answer.method,
        "path": scope["path"][:200],
        "status": answer.status,
        "milliseconds": round(seconds * 1e3, 2),
    }
    if client := scope.get("client"):
        fields["client"] = client[0]
    if context.texts:
        fields["texts"] = context.texts
    if context.model:
        fields["model"] = str(context.model)
    if context.caller and context.caller.name:
        fields["key"] = context.caller.name
    if b"traceparent" in context.headers and (trace_id := _trace_id(context.headers)):
        fields["trace_id"] = trace_id
    return fields
