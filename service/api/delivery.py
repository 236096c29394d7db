"""Delivery of the answer to a file: sent at once, or kept until the client has sent its whole file."""

import asyncio
import zlib
from enum import Enum, auto
from json import dumps
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Send

from service.api.spool import Spool
from service.errors import ServiceError

SUMMARY_FIELD = "X-Summary"
"""Header or trailer with the summary of a file."""


class Delivery(Enum):
    """The time at which an answer is sent."""

    AT_ONCE = auto()
    """Send each part when it is ready."""
    KEPT = auto()
    """Send after the whole file has arrived, or when no more can be kept: for clients that may not read earlier."""
    WHOLE = auto()
    """Send the complete answer, with its length: for proxies that stop sending a request once its answer begins."""


class Answer:
    """The parts of an answer, in order.

    Args:
        send: ASGI's `send`.
        delivery: the time at which the answer is sent.
        spool: keeps the parts that are not sent yet.
        media_type: media type of the answer.
        compress: whether to compress the answer with gzip.
        idle_seconds: time within which the client must read a part.
        has_trailers: whether the connection can send trailers.
    """

    def __init__(
        self,
        send: Send,
        delivery: Delivery,
        spool: Spool,
        *,
        media_type: str,
        compress: bool,
        idle_seconds: float,
        has_trailers: bool,
    ) -> None:
        self._send = send
        self._delivery = delivery
        self._spool = spool
        self._media_type = media_type
        self._gzip = zlib.compressobj(1, wbits=31) if compress else None
        self._idle_seconds = idle_seconds
        self._has_trailers = has_trailers and delivery is not Delivery.WHOLE
        self._begun = False

    async def write(self, part: bytes) -> None:
        """Send or keep a part.

        Raises:
            ServiceError: the part can be neither sent nor kept.
            ClientDisconnect: the client reads nothing.
        """
        if self._gzip:
            part = self._gzip.compress(part) + self._gzip.flush(zlib.Z_SYNC_FLUSH)
        if not self._begun and self._delivery is not Delivery.AT_ONCE:
            try:
                await self._spool.write(part)
            except ServiceError:
                if self._delivery is Delivery.WHOLE:
                    raise
                await self.release()
            else:
                return
        await self.release()
        await self._send_body(part)

    async def release(self) -> None:
        """Send the parts that are kept, and from now on each part at once, unless the delivery is `WHOLE`."""
        if self._begun or self._delivery is Delivery.WHOLE:
            return
        await self._begin([(b"trailer", SUMMARY_FIELD.encode())] if self._has_trailers else [])

    async def end(self, summary: dict[str, Any]) -> None:
        """Send the end of the answer, with the summary in a trailer, or in a header if the delivery is `WHOLE`."""
        value = dumps(summary, separators=(",", ":")).encode()
        last = self._gzip.flush() if self._gzip else b""
        if self._delivery is Delivery.WHOLE:
            length = str(self._spool.size + len(last)).encode()
            await self._begin([(b"content-length", length), (SUMMARY_FIELD.lower().encode(), value)])
        await self.release()
        await self._send_body(last, more=False)
        if self._has_trailers:
            trailers = [(SUMMARY_FIELD.lower().encode(), value)]
            await self._send({"type": "http.response.trailers", "headers": trailers, "more_trailers": False})

    async def _begin(self, headers: list[tuple[bytes, bytes]]) -> None:
        self._begun = True
        headers += [(b"content-type", self._media_type.encode()), (b"vary", b"Accept-Encoding")]
        if self._gzip:
            headers.append((b"content-encoding", b"gzip"))
        start = {"type": "http.response.start", "status": 200, "headers": headers, "trailers": self._has_trailers}
        await self._send(start)
        async for piece in self._spool.pieces():
            await self._send_body(piece)

    async def _send_body(self, body: bytes, more: bool = True) -> None:
        """Send a part once the client has read the one before.

        Raises:
            ClientDisconnect: the client reads nothing.
        """
        try:
            async with asyncio.timeout(self._idle_seconds):
                await self._send({"type": "http.response.body", "body": body, "more_body": more})
        except TimeoutError:
            raise ClientDisconnect from None
