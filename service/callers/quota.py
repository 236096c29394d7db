"""A rate that all processes of the service keep together."""

import fcntl
import os
import struct
from pathlib import Path
from time import monotonic

_TIME = struct.Struct("d")

_ROUNDING_SECONDS = 1e-6

BURST_SECONDS = 1.0
"""A caller that was idle may have what is due in this time at once."""


class Quota:
    """Count what a caller takes, in a file that the processes share.

    The file holds the time at which all that was taken is paid off at the rate (the generic cell rate algorithm). A
    caller without debt may take any amount, so that no request is impossible; the next one then waits the longer.

    Source: ITU-T I.371, annex A (the virtual scheduling algorithm).

    Args:
        path: file of the quota, in an existing folder.
        per_second: the rate.
    """

    def __init__(self, path: Path, per_second: float) -> None:
        self._path = path
        self._per_second = per_second
        self._tolerance_seconds = max(0.0, BURST_SECONDS - 1 / per_second)

    def take(self, amount: int) -> float:
        """Take an amount.

        Returns:
            0 if it is taken; else nothing is, and these are the seconds after which it can be.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # held for microseconds
            content = os.pread(descriptor, _TIME.size, 0)
            now = monotonic()  # the same clock in every process
            paid_off = max(now, _TIME.unpack(content)[0]) if content else now
            wait = paid_off - now - self._tolerance_seconds
            if wait > _ROUNDING_SECONDS:
                return wait
            os.pwrite(descriptor, _TIME.pack(paid_off + amount / self._per_second), 0)
            return 0.0
        finally:
            os.close(descriptor)
