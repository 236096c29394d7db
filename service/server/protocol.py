"""HTTP/1.1 on a connection: uvicorn's, with the limits that it lacks.

Limits apply before a request costs anything: to the bytes, fields and time of request line, headers and trailers, and
to the numbers of connections and of requests sent ahead. uvicorn's private parts are used here and in `response`:
pyproject.toml bounds its version, and a test fails when those parts change.
"""

import asyncio
import sys
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httptools
from pydantic_core import to_json
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from service.api.context import find_context
from service.errors import HeadersTooLargeError, SlowBodyError
from service.problems import INVALID_HTTP, MEDIA_TYPE, PROBLEMS, Problem
from service.server.connection import LINGER_SECONDS, Connection
from service.server.middleware import CLIENT_LEFT, CROWDED, SAFE_HEADERS
from service.server.response import ResponseCycle

MAX_FIELDS = 100
"""Header fields that a request may have: each costs ten times its bytes."""

MAX_PIPELINED = 50
"""Requests that a client may send ahead of the answers."""

CROWDED_SECONDS = 1.0
"""Time to send headers on a connection beyond the limit."""


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of connections.

    Attributes:
        header_seconds: time to send a request's line and headers.
        body_seconds: time to send the rest of a body that is refused already.
        stall_seconds: time within which a client must read some of its answer.
        max_header_bytes: bytes of the request line and the headers, and of the trailers.
        max_connections: of one process; beyond them only health is answered.
        reserve: further connections, for health; beyond them all are closed.
        idle: connections without a request, the oldest first; they are closed to make room for others.
    """

    header_seconds: float
    body_seconds: float
    stall_seconds: float
    max_header_bytes: int
    max_connections: int
    reserve: int = 100
    idle: "dict[HttpProtocol, None]" = field(default_factory=dict)


class _PipelineFullError(Exception):
    """The client sent too many requests ahead."""


class HttpProtocol(HttpToolsProtocol):
    """A connection that is cut off at its limits, and whose request is cancelled when the client leaves.

    Args:
        limits: of connections, shared by those of one process.
        config, server_state, app_state, _loop: uvicorn's own.
    """

    transport: Connection
    cycle: ResponseCycle

    def __init__(
        self,
        limits: ConnectionLimits,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._header_seconds = limits.header_seconds
        self._header_bytes = 0  # of a request whose headers are not complete
        self._body_overhead = 0  # bytes of its chunk headers and trailers since something of its body came
        self._body_came = False  # with what is parsed now
        self._begun = 0  # requests that began with what is parsed now
        self._within_message = False  # between a request's first byte and its last
        self._trailer_bytes = 0
        self._in_body = False  # or between the headers of one request and the next
        self._timer: asyncio.TimerHandle | None = None  # for headers, or for the rest of a refused body
        self._answering: ResponseCycle | None = None
        self._crowded = False
        self._deaf = False  # to what comes after too many requests

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the headers; make room if there are too many connections."""
        super().connection_made(transport)
        self.transport = Connection(transport, self._end, self._limits.stall_seconds)
        limits = self._limits
        if len(self.connections) > limits.max_connections and limits.idle:
            oldest = next(iter(limits.idle))
            del limits.idle[oldest]
            oldest.transport.flush_and_close()
        elif len(self.connections) > limits.max_connections + limits.reserve:
            self.transport.abort()
            return
        elif len(self.connections) > limits.max_connections:
            self._crowded = True
            self._header_seconds = min(CROWDED_SECONDS, limits.header_seconds)
        self._await_headers()
        if not self._crowded:
            limits.idle[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the request of a client that left."""
        self._stop_timer()
        self._limits.idle.pop(self, None)
        self.transport.lost()
        super().connection_lost(exc)
        self._end_work()
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        """Parse data, and check the limits of headers and trailers."""
        if self.transport.closed or self._deaf:
            return
        self._limits.idle.pop(self, None)
        self._body_came = False
        self._begun = 0
        within = self._within_message
        super().data_received(data)
        if self.transport.is_closing() or self._deaf:
            return
        limit = self._limits.max_header_bytes
        if self._in_body:
            self._body_overhead = 0 if self._body_came else self._body_overhead + len(data)
            if max(self._body_overhead, self._trailer_bytes) > limit:
                self._refuse(PROBLEMS[HeadersTooLargeError], f"The trailers have more than {limit:,} bytes.")
            return
        if self._begun == (0 if within else 1):  # else the end of another request is part of the data
            self._header_bytes += len(data)
        if self._header_bytes > limit:
            self._refuse(PROBLEMS[HeadersTooLargeError], f"The headers have more than {limit:,} bytes.")
        elif len(self.headers or ()) > MAX_FIELDS:
            self._refuse(PROBLEMS[HeadersTooLargeError], f"There are more than {MAX_FIELDS} header fields.")
        elif self._timer is None:
            self._await_headers()

    # What the parser calls

    def on_message_begin(self) -> None:
        """Begin with the first byte of a request's first line."""
        self._in_body = False
        self._within_message = True
        self._begun += 1
        self._header_bytes = self._trailer_bytes = self._body_overhead = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header field; drop a trailer field, which no route reads and which could pass for a header."""
        if self._in_body:
            self._trailer_bytes += len(name) + len(value) + 4  # colon, blank, end of line
        elif len(self.headers) <= MAX_FIELDS:  # one too many shows that there are too many
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, or queue it behind the one before; from now on the limits of the body apply."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _PipelineFullError
        if len(self.headers) > MAX_FIELDS:
            raise ValueError  # `data_received` says what is wrong
        self._in_body = True
        self._stop_timer()
        url = httptools.parse_url(self.url)
        version = self.parser.get_http_version()
        scope = self.scope
        scope["http_version"] = version
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["raw_path"] = url.path
        scope["path"] = unquote(url.path.decode("ascii"))
        scope["query_string"] = url.query or b""
        scope["extensions"] = {"http.response.trailers": {}} if version != "1.0" else {}
        if self._crowded:
            scope["extensions"][CROWDED] = {}
        before, self.cycle = (
            self.cycle,
            ResponseCycle(
                scope=scope,
                transport=self.transport,
                flow=self.flow,
                logger=self.logger,
                access_logger=self.access_logger,
                access_log=False,
                default_headers=self.server_state.default_headers,
                message_event=asyncio.Event(),
                expect_100_continue=self.expect_100_continue,
                keep_alive=version != "1.0" and self.parser.should_keep_alive() and not self._crowded,
                on_response=self.on_response_complete,
            ),
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """Keep a part of a body for the application."""
        self._body_came = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is complete, and read on: the next request, or the end of the connection."""
        super().on_message_complete()
        self._within_message = False
        self.cycle.more_body = False  # also where the answer came first
        if self.cycle.response_complete:
            self._stop_timer()
            self._await_request()
        if not self.pipeline:
            self.flow.resume_reading()

    # What uvicorn calls

    def on_response_complete(self) -> None:
        """Start the next request. The rest of a refused body may arrive for `body_seconds`."""
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.cycle.response_complete and self.cycle.more_body:
            self._unset_keepalive_if_required()
            self._timer = self.loop.call_later(self._limits.body_seconds, self.transport.flush_and_close)
        elif self.timeout_keep_alive_task:
            self._limits.idle[self] = None

    def shutdown(self) -> None:
        """Stop. An idle or new connection stays open for a moment, as a request may be on its way."""
        self.transport.hurry()
        if self.cycle is None or self.cycle.response_complete:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(LINGER_SECONDS, self.timeout_keep_alive_handler)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Answer to data that is not HTTP; called by uvicorn while it handles an error of the parser."""
        error = sys.exception()
        cause = error.__context__ if error else None
        if isinstance(cause, _PipelineFullError):
            self.pipeline[0][0].keep_alive = False  # what was sent before is answered, then it is over
            self._deaf = True
        elif len(self.headers or ()) > MAX_FIELDS:
            self._refuse(PROBLEMS[HeadersTooLargeError], f"There are more than {MAX_FIELDS} header fields.")
        elif isinstance(error, httptools.HttpParserInvalidURLError):
            self._refuse(
                INVALID_HTTP,
                "The address has a character that must be percent-encoded, such as %EB%82%B4 for 내. "
                "With curl: -G --data-urlencode 'column=내용'",
            )
        else:
            self._refuse(INVALID_HTTP, msg)

    def _start_asgi_task(self, cycle: ResponseCycle, app: ASGI3Application) -> None:  # type: ignore[override]
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    # Ends

    def _end(self) -> None:
        """End the connection: the answer is complete, the time is up, or the application failed."""
        self._stop_timer()
        self._unset_keepalive_if_required()
        answering = self._answering
        if answering and answering.response_started and not answering.response_complete:
            self.transport.break_off(framed=answering.chunked_encoding or answering.expected_content_length > 0)
        elif self.cycle and (self.cycle.more_body or self.pipeline):
            self.flow.resume_reading()
            self.transport.linger(self._limits.body_seconds)
        else:
            self.transport.flush_and_close()

    def _refuse(self, problem: Problem, detail: str) -> None:
        """Answer with a problem, and end the connection after a time to read it."""
        self._stop_timer()
        self._limits.idle.pop(self, None)
        answering = self._answering
        answered = False
        if answering and not answering.response_complete:
            # No second answer may be written into the first.
            answered = answering.response_started or bool(self.pipeline)
            self._end_work()
        if not answered:
            body = to_json(problem.body(detail))
            head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
            safe = b"".join(b"%b: %b\r\n" % header for header in SAFE_HEADERS)
            self.transport.write(STATUS_LINE[problem.status] + head.encode() + safe + b"\r\n" + body)
        self.flow.resume_reading()
        self.transport.linger(LINGER_SECONDS)

    def _end_work(self) -> None:
        cycle = self._answering
        if cycle is None or cycle.response_complete:
            return
        cycle.disconnected = True  # its further messages are dropped
        cycle.message_event.set()
        context = find_context(cycle.scope)
        if context and context.task:
            context.task.cancel(CLIENT_LEFT)

    def _await_headers(self) -> None:
        self._timer = self.loop.call_later(self._header_seconds, self._on_slow_headers)

    def _await_request(self) -> None:
        """Wait for the next request, for as long as a connection may be idle."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        self._limits.idle[self] = None

    def _on_slow_headers(self) -> None:
        self._timer = None
        if not self._header_bytes:  # a connection made in advance, as browsers do
            self.transport.close()
        elif not self.transport.is_closing():
            self._refuse(
                PROBLEMS[SlowBodyError], f"No headers of a request were there within {self._header_seconds:g} seconds."
            )

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
