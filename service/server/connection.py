"""The end of a connection: the client can read its answer, and no client can delay the end."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

LINGER_SECONDS = 1.0
"""Time that a connection stays open for data on its way, after the service has stopped listening or refused it."""


class Connection(asyncio.Transport):
    """A transport whose owner decides how `close` ends the connection.

    uvicorn closes a connection in several places, and always flushes the written data, however long that takes.

    Args:
        transport: of the event loop.
        on_close: called once, in place of the transport's own `close`; it calls one of the other methods.
        stall_seconds: time within which the client must read some of the written data.
    """

    def __init__(self, transport: asyncio.Transport, on_close: Callable[[], None], stall_seconds: float) -> None:
        super().__init__()
        self._transport = transport
        self._on_close = on_close
        self._stall_seconds = stall_seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._corked = False
        self._held: bytes | bytearray | memoryview = b""
        self.closed = False
        """True once the data that the client sends is ignored."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write data, with what is held before it, unless the connection is closed."""
        if self.closed:
            return
        if self._corked:
            self._corked, self._held = False, data
        elif self._held:
            held, self._held = self._held, b""
            self._transport.write(b"".join((held, data)))
        else:
            self._transport.write(data)

    def cork(self) -> None:
        """Hold what is written next until more is written: one call of the system, and one packet, for both."""
        self._corked = True

    def uncork(self) -> None:
        """Write what is held."""
        self._corked = False
        if self._held:
            held, self._held = self._held, b""
            self.write(held)

    def is_closing(self) -> bool:
        """True once the connection is closed or closing."""
        return self.closed or self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information on the connection from the event loop."""
        return self._transport.get_extra_info(name, default)

    def close(self) -> None:
        """Call `on_close`, once."""
        if not self.is_closing():
            self.closed = True
            self._on_close()

    def flush_and_close(self) -> None:
        """Close once the client has read all written data, or reads no more."""
        self.closed = True
        self._transport.close()
        self._abort_when_stalled(self._stall_seconds)

    def linger(self, seconds: float) -> None:
        """Let the client read the answer while its request is still on its way, then close.

        Closed at once, with something unread on it, a connection is reset, and the answer is lost (RFC 9112,
        section 9.6).
        """
        self.closed = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._schedule(seconds, self.flush_and_close)

    def break_off(self, framed: bool) -> None:
        """End in the middle of a response.

        Args:
            framed: whether the response itself shows that its end is missing; otherwise only a reset can show it.
        """
        self.closed = True
        if framed:
            self._transport.close()
        self._schedule(LINGER_SECONDS, self.abort if framed else self._reset)

    def abort(self) -> None:
        """Close at once; drop unsent data."""
        self.closed = True
        self.lost()
        self._transport.abort()

    def hurry(self) -> None:
        """Limit the time for written data to a moment, for a service that stops."""
        self._stall_seconds = LINGER_SECONDS
        if self.closed:
            self._schedule(LINGER_SECONDS, self.abort)

    def lost(self) -> None:
        """Cancel the timer; called when the connection is gone."""
        if self._timer:
            self._timer.cancel()

    def _reset(self) -> None:
        raw: socket.socket | None = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def _abort_when_stalled(self, seconds: float) -> None:
        size = self._transport.get_write_buffer_size()
        if not size:
            return

        def check() -> None:
            if self._transport.get_write_buffer_size() >= size:
                self.abort()
            else:
                self._abort_when_stalled(seconds)

        self._schedule(seconds, check)

    def _schedule(self, seconds: float, action: Callable[[], None]) -> None:
        self.lost()
        self._timer = self._loop.call_later(seconds, action)
