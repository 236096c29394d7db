"""Turns of the requests that explain."""

import asyncio

import pytest

from service.api.inspections import MAX_WAITING, Inspections
from service.errors import OverloadedError


async def _hold(inspections: Inspections, gate: asyncio.Event, running: list[int]) -> None:
    async with inspections.turn():
        running.append(1)
        await gate.wait()


def test_only_a_few_compute_and_too_many_that_wait_are_refused() -> None:
    async def test() -> None:
        inspections, gate, running = Inspections(at_a_time=2), asyncio.Event(), list[int]()
        tasks = [asyncio.create_task(_hold(inspections, gate, running)) for _ in range(2 + MAX_WAITING)]
        await asyncio.sleep(0)
        assert len(running) == 2
        with pytest.raises(OverloadedError, match=f"{MAX_WAITING} explanations"):
            await _hold(inspections, gate, running)
        gate.set()
        await asyncio.gather(*tasks)
        assert len(running) == 2 + MAX_WAITING

    asyncio.run(test())


def test_a_caller_that_leaves_gives_its_turn_to_the_next() -> None:
    async def test() -> None:
        inspections, gate, running = Inspections(at_a_time=1), asyncio.Event(), list[int]()
        first, waiting, last = [asyncio.create_task(_hold(inspections, gate, running)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting.cancel()
        first.cancel()
        gate.set()
        await asyncio.wait_for(last, 5)
        assert len(running) == 2

    asyncio.run(test())
