"""The limits on what one process holds at a time: requests, files, and bytes of bodies.

`service.backlog` limits something else, later: the texts of accepted requests that wait for inference.
"""

from time import monotonic

from starlette.types import Message, Receive

from service.errors import OverloadedError, StalledError
from service.settings import Settings

STREAM_ROUTES = frozenset({"/predict/batch"})
"""Routes of files of any length: they have places of their own, so that files never keep short requests out."""


class Admission:
    """Count the requests, files and bytes of this process, and refuse more than the limits.

    Args:
        settings: the limits.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.working = 0
        """Requests in work, without those that wait for their client to send more."""
        self.streams = 0
        self.held_bytes = 0

    def enter(self, path: str, receive: Receive, always: bool) -> "Place | StreamPlace":
        """Take a place for a request; the caller must leave it in the end.

        Args:
            path: of the route.
            receive: gives the request's body.
            always: whether the request is taken however much is in work.

        Raises:
            OverloadedError: there is no place left.
        """
        if path in STREAM_ROUTES:
            if self.streams >= self.settings.max_streams:
                raise OverloadedError(f"{self.settings.max_streams:,} files are in work already; try again shortly.")
            return StreamPlace(self, receive)
        if self.working >= self.settings.max_requests and not always:
            raise self.overloaded()
        return Place(self, receive)

    def overloaded(self) -> OverloadedError:
        """Make the error for too many requests."""
        return OverloadedError(f"{self.settings.max_requests:,} requests are in work already; try again shortly.")


class Place:
    """The place of a request with a body of limited size."""

    def __init__(self, admission: Admission, receive: Receive) -> None:
        self._admission = admission
        self._receive = receive
        self._bytes = 0
        admission.working += 1

    async def receive(self) -> Message:
        """Receive more of the body. While a request waits for its client, another one may have its place.

        Raises:
            OverloadedError: the bodies of all requests together are too large, or no place was free when the body
                had arrived.
        """
        admission = self._admission
        admission.working -= 1
        try:
            message = await self._receive()
        finally:
            admission.working += 1
        size = len(message.get("body", b""))
        self._bytes += size
        admission.held_bytes += size
        if admission.held_bytes > admission.settings.max_held_bytes:
            raise OverloadedError("The requests in work have too many bytes together; try again shortly.")
        if admission.working > admission.settings.max_requests:
            raise admission.overloaded()
        return message

    def leave(self) -> None:
        """Free the place and the bytes of the request."""
        self._admission.working -= 1
        self._admission.held_bytes -= self._bytes


class StreamPlace:
    """The place of a file, which must come in at a minimum rate."""

    def __init__(self, admission: Admission, receive: Receive) -> None:
        self._admission = admission
        self._receive = receive
        self._waited = 0.0  # seconds for the client, and the bytes that came in them
        self._came = 0
        admission.streams += 1

    async def receive(self) -> Message:
        """Receive more of the file.

        Raises:
            StalledError: the file arrives below the minimum rate.
        """
        began = monotonic()
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        settings = self._admission.settings
        self._waited += monotonic() - began
        self._came += len(message.get("body", b""))
        if self._waited >= settings.stream_idle_seconds:
            if self._came < settings.stream_min_bytes_per_second * self._waited:
                raise StalledError(
                    f"{self._came:,} bytes came in {self._waited:.3g} seconds; a file needs "
                    f"{settings.stream_min_bytes_per_second:g} a second. It is cut off here."
                )
            self._waited, self._came = 0.0, 0
        return message

    def leave(self) -> None:
        """Free the place."""
        self._admission.streams -= 1
