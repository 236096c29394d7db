"""The headroom of a process: whether it leaves unused a part of the processor that is its own."""

import asyncio
from time import monotonic, process_time

PAUSE_SECONDS = 0.02
"""Time over which the use of the processor is measured."""

MAX_BUSY = 0.5
"""Share of its cores that a process may use and still have capacity left over."""

MAX_DELAY = 1.5
"""Times `PAUSE_SECONDS` that the measurement may take; more tells that others want the processor."""


class Headroom:
    """Measure the capacity that is left over.

    Args:
        cores: cores that this process may use; a fraction where several processes share one.
    """

    def __init__(self, cores: float) -> None:
        self._cores = cores

    async def is_there(self) -> bool:
        """Pause for `PAUSE_SECONDS`, and tell whether the processor was mostly idle meanwhile."""
        began, used = monotonic(), process_time()
        await asyncio.sleep(PAUSE_SECONDS)
        seconds, used = monotonic() - began, process_time() - used
        return seconds < MAX_DELAY * PAUSE_SECONDS and used < MAX_BUSY * self._cores * seconds
