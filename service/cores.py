"""How many cores this process may use, and how they are shared out."""

import math
import os
from pathlib import Path

MAX_WORKERS = 8
"""Most processes that are started unasked: each takes 120 MB."""

_CGROUP = Path("/sys/fs/cgroup")


def available_cores(cgroup: Path = _CGROUP) -> int:
    """Cores that the scheduler gives this process: its affinity, and a container's CPU limit, rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _cpu_limit(cgroup))))


def share_out(cores: int, workers: int | None = None, threads: int | None = None) -> tuple[int, int]:
    """Worker processes, and inference threads of each, so that all cores have work and none has too much.

    A process for each core is the fastest: in 8 bits the Python part of a request costs more than its inference, and
    only processes run Python side by side (`bench/README.md` has the figures).

    Args:
        cores: to share.
        workers: given, or None to be chosen.
        threads: given, or None to be chosen.
    """
    workers = workers or min(cores, MAX_WORKERS)
    return workers, threads or max(1, cores // workers)


def _cpu_limit(cgroup: Path) -> float:
    """The CPU limit of this control group in cores, infinite where there is none.

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
