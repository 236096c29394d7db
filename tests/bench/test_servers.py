"""Processes below a server, their memory, and the median of rounds."""

import subprocess
import sys
import time

from bench.servers import Load, descendants, median, total_memory_mb

FROM_A_THREAD = """
import subprocess, threading, time
threading.Thread(target=lambda: subprocess.run(["sh", "-c", "sleep 60; true"])).start()
"""


def test_descendants_are_found_below_any_thread_and_any_child() -> None:
    process = subprocess.Popen([sys.executable, "-c", FROM_A_THREAD])
    try:
        deadline = time.monotonic() + 30
        while len(found := descendants(process.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(found) == 2  # the shell and its sleep
        assert 0 < total_memory_mb(found) < total_memory_mb([process.pid, *found])
    finally:
        for pid in [*descendants(process.pid)]:
            subprocess.run(["kill", str(pid)], check=False)
        process.kill()
        process.wait()


def test_a_process_that_has_ended_has_no_memory_and_no_descendants() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert total_memory_mb([process.pid]) == 0
    assert descendants(process.pid) == []


def test_errors_of_rounds_are_added_up_and_speeds_are_not() -> None:
    rounds = [Load(100, 1, 9, 2), Load(300, 3, 7, 0), Load(200, 2, 8, 1)]
    assert median(rounds) == {"per_second": 200, "p50_ms": 2, "p99_ms": 8, "errors": 3}
