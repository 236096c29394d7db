"""The response on a connection: uvicorn's, with trailers and with bodies of unknown length for HTTP/1.0.

An application that finds the ASGI extension `http.response.trailers` in its scope sets `trailers` at the start of a
response. RFC 9112, section 7.1.2: the last chunk, the trailer fields, an empty line.
"""

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.server.connection import Connection

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent, HTTPResponseStartEvent


class ResponseCycle(RequestResponseCycle):
    """A request and its response on a connection."""

    transport: Connection
    _expects_trailers = False
    _ends_with_connection = False

    async def send(self, message: "ASGISendEvent") -> None:
        """Write a part of the response."""
        if message["type"] == "http.response.start":
            self._expects_trailers = message.get("trailers", False)
            self._start(message)
            if self.flow.write_paused and not self.disconnected:
                await self.flow.drain()  # here, before anything is held: the connection may be refused meanwhile
            self.transport.cork()
            await super().send(message)
            if self.scope["method"] == "HEAD" or not self.expected_content_length:  # no body follows at once
                self.transport.uncork()
            return
        if message["type"] == "http.response.body":
            if self._ends_with_connection:
                self.expected_content_length = len(message.get("body", b""))  # uvicorn insists on a length
            elif self._expects_trailers:
                message = {**message, "more_body": True}
        elif message["type"] == "http.response.trailers":
            self._end(list(message["headers"]))
            return
        await super().send(message)

    def _start(self, message: "HTTPResponseStartEvent") -> None:
        """Choose how the response ends."""
        if self.waiting_for_100_continue and self.more_body:
            # The client may send its body now or keep it: what comes next is either the body or another request.
            self.keep_alive = False
        if self.scope["http_version"] == "1.0" and b"content-length" not in {
            name.lower() for name, _ in message.get("headers", ())
        }:
            # RFC 9112, section 6.1: no chunks to HTTP/1.0, where the end of the connection is the end of the body.
            self.chunked_encoding = False
            self._ends_with_connection = True

    def _end(self, trailers: list[tuple[bytes, bytes]]) -> None:
        if self.disconnected:
            return
        lines = b"".join(b"%b: %b\r\n" % trailer for trailer in trailers)
        self.transport.write(b"0\r\n%b\r\n" % lines)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
