"""The headroom of a process: whether it leaves unused a part of the processor that is its own."""

import asyncio
from pathlib import Path
from time import monotonic, process_time

PAUSE_SECONDS = 0.02
"""Time over which the use of the processor is measured."""

MAX_BUSY = 0.5
"""Share of its cores that a process may use, or wait for, and still have capacity left over."""

MAX_DELAY = 1.5
"""Times `PAUSE_SECONDS` that the measurement may take; more tells that the event loop is behind."""

_SCHEDULING = Path("/proc/thread-self/schedstat")


class Headroom:
    """Measure the capacity that is left over.

    Args:
        cores: cores that this process may use; a fraction where several processes share one.
    """

    def __init__(self, cores: float) -> None:
        self._cores = cores

    async def is_there(self) -> bool:
        """Pause for `PAUSE_SECONDS`, and tell whether the processor was mostly idle meanwhile."""
        began, wanted = monotonic(), process_time() + _waited_seconds()
        await asyncio.sleep(PAUSE_SECONDS)
        seconds, wanted = monotonic() - began, process_time() + _waited_seconds() - wanted
        return seconds < MAX_DELAY * PAUSE_SECONDS and wanted < MAX_BUSY * self._cores * seconds


def _waited_seconds() -> float:
    """Read how long this thread has waited for a processor that others had; 0 where the system does not tell.

    Source: the kernel's documentation of scheduler statistics (schedstat): the second number, in nanoseconds.
    """
    try:
        return int(_SCHEDULING.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
