import os
from pathlib import Path

import pytest

from service.cores import available_cores, share_out

HOST = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, HOST),
        ({"cpu.max": "max 100000\n"}, HOST),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "110000 100000\n"}, min(2, HOST)),
        ({"cpu.max": "nonsense"}, HOST),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, HOST),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
    ],
)
def test_a_containers_limit_counts_not_the_hosts_cores(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert available_cores(tmp_path) == cores


@pytest.mark.parametrize(
    ("cores", "workers", "threads", "expected"),
    [
        (1, None, None, (1, 1)),
        (2, None, None, (2, 1)),
        (8, None, None, (8, 1)),
        (16, None, None, (8, 2)),
        (64, None, None, (8, 8)),
        (8, 1, None, (1, 8)),
        (8, 8, None, (8, 1)),
        (2, 4, None, (4, 1)),
        (64, None, 1, (8, 1)),
        (8, 3, 5, (3, 5)),
    ],
)
def test_cores_are_shared_out(cores: int, workers: int | None, threads: int | None, expected: tuple[int, int]) -> None:
    assert share_out(cores, workers, threads) == expected
