"""HTTP/1.1 on a connection: uvicorn's, with the limits that it lacks."""

import asyncio
from typing import Any

from pydantic_core import to_json
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState

from service.errors import HeadersTooLargeError, SlowBodyError
from service.problems import INVALID_HTTP, MEDIA_TYPE, PROBLEMS, Problem
from service.server.edge import CLIENT_LEFT
from service.server.trailers import TrailersProtocol

LINGER_SECONDS = 1.0
"""Time that a connection stays open for what is on its way, after the service has stopped to listen or refused it."""


class LimitedProtocol(TrailersProtocol):
    """Cuts off who is slow or endless with headers, and ends the work for a client that left.

    Args:
        header_seconds: time to send a request's line and headers.
        max_header_bytes: how many they may have.
        config, server_state, app_state, _loop: uvicorn's own.
    """

    def __init__(
        self,
        header_seconds: float,
        max_header_bytes: int,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.header_seconds = header_seconds
        self.max_header_bytes = max_header_bytes
        self._header_bytes = 0  # of a request whose headers are not complete
        self._in_body = False  # or between the headers of one request and the next
        self._header_timer: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there, and has this long to say what it wants."""
        super().connection_made(transport)
        self._header_timer = self.loop.call_later(self.header_seconds, self._on_slow_headers)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the work on a request that nobody waits for."""
        self._stop_timer()
        cycle = self.cycle
        super().connection_lost(exc)
        if (
            cycle is not None
            and not cycle.response_complete
            and isinstance(task := cycle.scope.get("task"), asyncio.Task)
        ):
            task.cancel(CLIENT_LEFT)

    def data_received(self, data: bytes) -> None:
        """Some of a request, or of several."""
        if self._refused:
            return
        super().data_received(data)
        if self._in_body:
            if self._header_timer:
                self._stop_timer()
            return
        if self._refused or self.transport.is_closing():
            return
        self._header_bytes += len(data)
        if self._header_bytes > self.max_header_bytes:
            self._refuse(PROBLEMS[HeadersTooLargeError], f"The headers have more than {self.max_header_bytes:,} bytes.")
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(self.header_seconds, self._on_slow_headers)

    def on_message_begin(self) -> None:
        """The first byte of a request's first line."""
        self._in_body = False
        self._header_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The headers are there; from now on the body's limits count."""
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The whole request is there. What is read from now on is the next one, or that the client left."""
        super().on_message_complete()
        if not self.pipeline:
            self.flow.resume_reading()

    def shutdown(self) -> None:
        """The service stops. A request may be on its way on a connection that is idle, or was just made."""
        if self.cycle is None or self.cycle.response_complete:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(LINGER_SECONDS, self.timeout_keep_alive_handler)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """The answer to what is not HTTP."""
        self._refuse(INVALID_HTTP, msg)

    def _on_slow_headers(self) -> None:
        self._header_timer = None
        if not self._header_bytes:  # a connection made in advance, as browsers do
            self.transport.close()
        elif not self.transport.is_closing():
            self._refuse(
                PROBLEMS[SlowBodyError], f"No headers of a request were there within {self.header_seconds:g} seconds."
            )

    def _stop_timer(self) -> None:
        if self._header_timer:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self, problem: Problem, detail: str) -> None:
        """Answers for the application, and ends the connection once the client has had time to read that.

        Closed at once, with something unread on it, it would be reset, and the answer lost.
        """
        cycle = self.cycle
        self._refused = True
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
        if cycle is not None and not cycle.response_complete:
            answered = cycle.response_started or self.pipeline
            cycle.disconnected = True  # whatever it says from now on, nobody hears
            self._end_task(cycle)
            if answered:
                return  # no second answer may be written into the first
        body = to_json(problem.body(detail))
        head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[problem.status] + head.encode() + body)
        self.transport.write_eof()

    def _end_task(self, cycle: RequestResponseCycle) -> None:
        if isinstance(task := cycle.scope.get("task"), asyncio.Task):
            task.cancel(CLIENT_LEFT)
