import asyncio
import threading
import time
from pathlib import Path

import pytest

from service import cores
from service.monitoring.headroom import PAUSE_SECONDS, Headroom


def measured(cores: float, load: bool) -> list[bool]:
    """Measure ten times, beside a thread that computes or not."""
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            sum(range(1_000))

    async def run() -> list[bool]:
        headroom = Headroom(cores)
        return [await headroom.is_there() for _ in range(10)]

    thread = threading.Thread(target=compute)
    if load:
        thread.start()
    try:
        return asyncio.run(run())
    finally:
        stop.set()
        if load:
            thread.join()


def test_an_idle_process_has_capacity_and_a_busy_one_has_none() -> None:
    assert any(measured(1.0, load=False))
    assert sum(measured(0.02, load=True)) <= 1  # other programs may take the processor from the thread for a moment


def test_a_loop_that_is_late_has_none() -> None:
    async def run() -> bool:
        measuring = asyncio.create_task(Headroom(100.0).is_there())
        await asyncio.sleep(0)
        time.sleep(2 * PAUSE_SECONDS)  # noqa: ASYNC251 (it is what the test is about)
        return await measuring

    assert not asyncio.run(run())


def test_a_loop_that_waits_for_a_processor_that_others_have_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = tmp_path / "schedstat"
    monkeypatch.setattr(cores, "_SCHEDULING", told)

    def measured_with(first: str, then: str) -> bool:
        async def run() -> bool:
            told.write_text(first)
            measuring = asyncio.create_task(Headroom(1_000.0).is_there())
            await asyncio.sleep(0)
            told.write_text(then)
            return await measuring

        return asyncio.run(run())

    assert not any(measured_with("5 1000 1", f"5 {10**12} 1") for _ in range(10))
    assert any(measured_with("5 1000 1", "5 1000 1") for _ in range(10))
    assert any(measured_with("", "") for _ in range(10))  # of a system that does not tell
