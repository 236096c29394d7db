"""The headroom of a process: whether it leaves unused a part of the processor that is its own."""

import asyncio
from time import monotonic, process_time

from service.cores import waited_seconds

PAUSE_SECONDS = 0.02
"""Time over which the use of the processor is measured."""

MAX_BUSY = 0.5
"""Share of its cores that a process may use, or wait for, and still have capacity left over."""

MAX_DELAY = 1.5
"""Times `PAUSE_SECONDS` that the measurement may take; more tells that the event loop is behind."""


class Headroom:
    """Measure the capacity that is left over.

    Args:
        cores: cores that this process may use; a fraction where several processes share one.
    """

    def __init__(self, cores: float) -> None:
        self._cores = cores

    async def is_there(self) -> bool:
        """Pause for `PAUSE_SECONDS`, and tell whether the processor was mostly idle meanwhile."""
        began, wanted = monotonic(), process_time() + waited_seconds()
        await asyncio.sleep(PAUSE_SECONDS)
        seconds, wanted = monotonic() - began, process_time() + waited_seconds() - wanted
        return seconds < MAX_DELAY * PAUSE_SECONDS and wanted < MAX_BUSY * self._cores * seconds
