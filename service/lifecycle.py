"""The shutdown of the service: it drains, stops listening, and ends the streams that are left."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

logger = logging.getLogger("service")

WIND_UP_SECONDS = 2.0
"""Time for streams to answer the lines that they have read, before the shutdown cuts them off."""


class Lifecycle:
    """The stage of the shutdown.

    Args:
        drain_seconds: time from SIGTERM to the end of listening.
        shutdown_seconds: time from then on until requests in work are cut off.
    """

    def __init__(self, drain_seconds: float, shutdown_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self._shutdown_seconds = shutdown_seconds
        self.draining = False
        """True after SIGTERM: load balancers should send traffic elsewhere; requests are still answered."""
        self.winding_up = asyncio.Event()
        """Set when streams must end: they read no more, and their answers say where they stopped."""

    def start(self, on_hangup: Callable[[], None]) -> None:
        """Install signal handlers that run before those of the server; called on its event loop.

        Args:
            on_hangup: called on SIGHUP.
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
            if self.draining:  # the second SIGTERM
                loop.call_soon_threadsafe(stop_now, number, frame)
                return
            self.draining = True
            logger.info("draining for %g seconds", self._drain_seconds)
            loop.call_soon_threadsafe(loop.call_later, self._drain_seconds, stop_now, number, frame)

        def on_interrupt(number: int, frame: FrameType | None) -> None:
            """Stop without draining: somebody waits at the keyboard."""
            self.draining = True
            loop.call_soon_threadsafe(self.winding_up.set)
            if callable(interrupt):
                interrupt(number, frame)

        signal.signal(signal.SIGTERM, on_terminate)
        signal.signal(signal.SIGINT, on_interrupt)
        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, on_hangup)
