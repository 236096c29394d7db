"""HTTP/1.1 trailers, which uvicorn does not send: fields after the body, for what is known only when it is done.

The application finds the ASGI extension `http.response.trailers` in its scope and says `trailers` when it starts a
response. RFC 9112, section 7.1.2: the last chunk, the trailer fields, an empty line.
"""

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent


class TrailersCycle(RequestResponseCycle):
    """A response that may end with trailers."""

    expects_trailers = False

    async def send(self, message: "ASGISendEvent") -> None:
        """Passes on to uvicorn all but the trailers, and the end of a body that they follow."""
        if message["type"] == "http.response.start":
            self.expects_trailers = message.get("trailers", False)
        elif message["type"] == "http.response.body" and self.expects_trailers:
            message = {**message, "more_body": True}
        elif message["type"] == "http.response.trailers":
            self._end(list(message["headers"]))
            return
        await super().send(message)

    def _end(self, trailers: list[tuple[bytes, bytes]]) -> None:
        if self.disconnected:
            return
        lines = b"".join(b"%b: %b\r\n" % trailer for trailer in trailers)
        self.transport.write(b"0\r\n%b\r\n" % (lines if self.chunked_encoding else b""))
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class TrailersProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with such responses."""

    def on_headers_complete(self) -> None:
        """Begins a request."""
        super().on_headers_complete()
        if self.cycle.scope is self.scope:  # not an upgrade
            self.cycle.__class__ = TrailersCycle  # its task has not begun
            self.scope["extensions"] = {"http.response.trailers": {}}
