"""How the service comes to its end: it drains, then it listens no more, then it winds up what is still going on."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

logger = logging.getLogger("service")

WIND_UP_SECONDS = 2.0
"""Time that streams get at the very end to finish the lines they have read."""


class Lifecycle:
    """Whether the service is to stop, and how far it is with that.

    Args:
        drain_seconds: from being told to stop until the end of listening.
        shutdown_seconds: from then on until requests in work are cut off.
    """

    def __init__(self, drain_seconds: float, shutdown_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self._shutdown_seconds = shutdown_seconds
        self.draining = False
        """Whether traffic should go elsewhere; what comes is answered all the same."""
        self.winding_up = asyncio.Event()
        """Set when a stream must end: it reads no more, and says where it stopped."""

    def start(self, on_hangup: Callable[[], None]) -> None:
        """Puts these steps before what the server does when it is told to stop; called on its event loop.

        Args:
            on_hangup: called at SIGHUP.
        """
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread gets signals: this is an application within another program, such as a test
        loop = asyncio.get_running_loop()
        stop, interrupt = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

        def stop_now(number: int, frame: FrameType | None) -> None:
            loop.call_later(max(0.0, self._shutdown_seconds - WIND_UP_SECONDS), self.winding_up.set)
            if callable(stop):
                stop(number, frame)

        def on_terminate(number: int, frame: FrameType | None) -> None:
            if self.draining:  # told twice
                loop.call_soon_threadsafe(stop_now, number, frame)
                return
            self.draining = True
            logger.info("draining for %g seconds", self._drain_seconds)
            loop.call_soon_threadsafe(loop.call_later, self._drain_seconds, stop_now, number, frame)

        def on_interrupt(number: int, frame: FrameType | None) -> None:
            """From the keyboard: nobody wants to wait."""
            self.draining = True
            loop.call_soon_threadsafe(self.winding_up.set)
            if callable(interrupt):
                interrupt(number, frame)

        signal.signal(signal.SIGTERM, on_terminate)
        signal.signal(signal.SIGINT, on_interrupt)
        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, on_hangup)
