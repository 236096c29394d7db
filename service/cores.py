"""The cores that this process may use, their division among workers and threads, and the wait for them."""

import math
import os
import sys
from pathlib import Path

FORKS = sys.platform == "linux"
"""True where a process can be forked; elsewhere libraries of the system have threads, which do not survive that."""

MAX_WORKERS = 8
"""Largest number of workers unless the settings say more: each takes 120 MB."""

_CGROUP = Path("/sys/fs/cgroup")
_SCHEDULING = Path("/proc/thread-self/schedstat")


def available_cores(cgroup: Path = _CGROUP) -> int:
    """Count the cores that this process may use: its affinity, limited by a container's CPU limit, rounded up.

    Args:
        cgroup: mount point of the control groups.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _cpu_limit(cgroup))))


def share_out(cores: int, workers: int | None = None, threads: int | None = None) -> tuple[int, int]:
    """Choose the number of workers, and of inference threads in each, so that every core has one thread.

    A process for each core is the fastest: in 8 bits the Python part of a request costs more than its inference, and
    only processes run Python side by side (`bench/README.md` has the figures).

    Args:
        cores: to share.
        workers: given, or None to be chosen.
        threads: given, or None to be chosen.
    """
    workers = workers or min(cores, MAX_WORKERS)
    return workers, threads or max(1, cores // workers)


def waited_seconds() -> float:
    """Read how long this thread has waited for a processor that others had; 0 where the system does not tell.

    Source: the kernel's documentation of scheduler statistics (schedstat): the second number, in nanoseconds.
    """
    try:
        return int(_SCHEDULING.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _cpu_limit(cgroup: Path) -> float:
    """Read the CPU limit of this control group in cores; infinite without a limit.

    Source: the kernel's cgroup-v2 documentation (cpu.max) and, for version 1, sched-bwc (cpu.cfs_quota_us).
    """
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return math.inf
    try:
        limit = int(quota) / int(period)
    except ValueError:  # "max"
        return math.inf
    return limit if limit > 0 else math.inf
