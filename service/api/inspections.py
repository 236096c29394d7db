"""The turns of `/explain` and `/layers`: a few requests compute at a time, so that their memory has a bound."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.errors import OverloadedError

MAX_WAITING = 50
"""Requests that may wait for a turn in one process; each holds its text."""


class Inspections:
    """Limit the requests of `/explain` and `/layers` that compute at a time.

    Args:
        at_a_time: requests that compute at a time: enough to keep the scheduler's bulk lane full.
    """

    def __init__(self, at_a_time: int = 2) -> None:
        self._free = asyncio.Semaphore(at_a_time)
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it.

        Raises:
            OverloadedError: too many requests are waiting.
        """
        if self._waiting >= MAX_WAITING:
            raise OverloadedError(f"{self._waiting:,} explanations are waiting already; try again shortly.")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()
