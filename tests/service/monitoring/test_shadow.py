"""A shadow reads what was answered, behind everything else."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from service.inference.bundle import open_bundle
from service.inference.predictor import Prediction, Predictor
from service.models.registry import Registry
from service.models.rollout import Rollout
from service.monitoring import shadow as module
from service.monitoring.headroom import Headroom
from service.monitoring.shadow import MAX_WAITING_CHARS, MAX_WAITING_TEXTS, Shadow
from service.monitoring.shadow_sample import ShadowSample
from service.monitoring.shadow_tally import ShadowTally
from service.monitoring.tallies import Tallies
from service.scheduler import Job, Scheduler
from tests.service.conftest import BundleFolder, write_small_bundle

BIAS = -3.0  # of version 2: "good" alone is no longer positive


class Spare(Headroom):
    """Capacity as a test says it."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.there = True

    async def is_there(self) -> bool:
        await asyncio.sleep(0.001)
        return self.there


class Shadowed:
    """A model with a shadow, and what is needed to run it."""

    def __init__(self, small: BundleFolder, tallies: Path, sample: Path | None = None, share: float = 1.0) -> None:
        models = small.path.parents[1]
        write_small_bundle(models, version=2, bias=BIAS)
        write_small_bundle(models, version=3, bias=BIAS)
        paths = [models / "small" / str(number) for number in (1, 2, 3)]
        self.predictors = [Predictor.load(open_bundle(path), "float32") for path in paths]
        self.jobs: list[Job] = []
        self.spare = Spare()
        self.scheduler = Scheduler(1, self.jobs.append)
        self.follow(1, 2, share)
        tallies.mkdir(exist_ok=True)
        chosen = ShadowSample(sample) if sample else None
        self.shadow = Shadow(lambda: self.registry, self.scheduler, self.spare, Tallies(tallies), chosen)

    def follow(self, serve: int, shadow: int, share: float = 1.0) -> None:
        rollout = Rollout.model_validate({"serve": serve, "shadow": {"version": shadow, "share": share}})
        self.registry = Registry(self.predictors, "small", rollouts={"small": rollout})

    def offer(self, texts: Sequence[str], version: int = 1) -> None:
        predictor = self.predictors[version - 1]
        self.shadow.offer(predictor, texts, predictor.predict(texts))

    def total(self) -> ShadowTally:
        pair = self.registry.pair("small")
        assert pair
        return self.shadow.total(pair)

    def run(self, test: Callable[[], Awaitable[None]]) -> None:
        async def main() -> None:
            self.scheduler.start()
            running = asyncio.create_task(self.shadow.run())
            await test()
            assert not running.done()
            running.cancel()
            await self.scheduler.close()

        asyncio.run(main())

    async def until(self, texts: int, dropped: int = 0) -> None:
        async with asyncio.timeout(20):
            while (self.total().texts, self.total().dropped) != (texts, dropped):  # noqa: ASYNC110 (it sets no event)
                await asyncio.sleep(0.005)


@pytest.fixture
def shadowed(small: BundleFolder, tmp_path: Path) -> Shadowed:
    return Shadowed(small, tmp_path / "tallies", tmp_path / "flips.ndjson")


def test_flips_and_differences_are_those_of_the_two_versions(shadowed: Shadowed, tmp_path: Path) -> None:
    texts = ["good", "bad", "good good", "film"] * 5

    async def test() -> None:
        shadowed.offer(texts)
        await shadowed.until(len(texts))

    shadowed.run(test)
    before, after = (predictor.predict(texts) for predictor in shadowed.predictors[:2])
    differences = [abs(a.probability - b.probability) for a, b in zip(before, after, strict=True)]
    flips = [text for text, a, b in zip(texts, before, after, strict=True) if a.label != b.label]
    total = shadowed.total()
    assert 0 < total.flips == len(flips) < len(texts)
    assert total.largest == max(differences)
    assert total.differences.total == pytest.approx(sum(differences))
    assert total.shadow_seconds.count == len(texts) > total.answering_seconds.count > 0
    assert (tmp_path / "flips.ndjson").read_text().count('"text"') == len(flips)


def test_it_counts_as_no_answer(shadowed: Shadowed) -> None:
    async def test() -> None:
        shadowed.offer(["good"])
        await shadowed.until(1)

    shadowed.run(test)
    assert shadowed.jobs
    assert not any(isinstance(job.predictor, Predictor) for job in shadowed.jobs)


def test_only_a_share_of_what_the_main_version_answered_is_read(small: BundleFolder, tmp_path: Path) -> None:
    shadowed = Shadowed(small, tmp_path / "tallies", share=0.25)
    shadowed.spare.there = False

    async def test() -> None:
        shadowed.offer(["good"] * 400, version=3)
        assert shadowed.total().dropped == len(shadowed.shadow._waiting) == 0
        shadowed.offer(["good"] * 400)
        assert 50 < len(shadowed.shadow._waiting) < 150

    shadowed.run(test)


def test_without_capacity_nothing_is_read_and_the_queue_has_a_bound(shadowed: Shadowed) -> None:
    shadowed.spare.there = False

    async def test() -> None:
        shadowed.offer(["good"] * (MAX_WAITING_TEXTS + 7))
        await asyncio.sleep(0.05)
        assert (shadowed.total().texts, shadowed.total().dropped, shadowed.jobs) == (0, 7, [])
        shadowed.spare.there = True
        await shadowed.until(MAX_WAITING_TEXTS, dropped=7)

    shadowed.run(test)


def test_the_queue_holds_a_limited_number_of_characters(shadowed: Shadowed) -> None:
    async def test() -> None:
        shadowed.offer(["x" * (MAX_WAITING_CHARS // 2)] * 3)
        assert len(shadowed.shadow._waiting) == 2
        await shadowed.until(2, dropped=1)
        assert shadowed.shadow._chars == 0

    shadowed.run(test)


def test_it_stands_back_while_anything_else_waits(shadowed: Shadowed) -> None:
    async def test() -> None:
        shadowed.scheduler.waiting += 1
        shadowed.offer(["good"])
        await asyncio.sleep(0.05)
        assert shadowed.jobs == []
        shadowed.scheduler.waiting -= 1
        await shadowed.until(1)

    shadowed.run(test)


def test_a_shadow_that_fails_drops_its_texts_and_says_so_once(
    shadowed: Shadowed, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Sequence[str]) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(shadowed.predictors[1], "encode", fail)

    async def test() -> None:
        for dropped in (1, 2):
            shadowed.offer(["good"])
            await shadowed.until(0, dropped)
        monkeypatch.undo()
        shadowed.offer(["good"])
        await shadowed.until(1, 2)

    shadowed.run(test)
    assert caplog.text.count("the shadow small/2 fails: RuntimeError: no room") == 1
    assert "good" not in caplog.text


def test_another_pair_begins_anew_and_a_rollout_of_the_same_pair_does_not(shadowed: Shadowed, tmp_path: Path) -> None:
    tallies = tmp_path / "tallies"

    async def test() -> None:
        shadowed.offer(["good"])
        await shadowed.until(1)
        (tallies / "1").write_bytes(next(tallies.glob("[0-9]*")).read_bytes())  # of a process that has ended
        shadowed.follow(1, 2, share=0.5)
        assert shadowed.total().texts == 2
        shadowed.spare.there = False
        shadowed.offer(["good"] * 50)
        shadowed.follow(1, 3)
        assert shadowed.total() == ShadowTally()
        shadowed.spare.there = True
        shadowed.offer(["good"])
        await shadowed.until(1)
        shadowed.follow(1, 2)
        assert shadowed.total() == ShadowTally()

    shadowed.run(test)


def test_it_ends_with_the_scheduler(shadowed: Shadowed) -> None:
    async def run() -> None:
        shadowed.scheduler.start()
        running = asyncio.create_task(shadowed.shadow.run())
        await shadowed.scheduler.close()
        shadowed.offer(["good"])
        async with asyncio.timeout(10):
            await running

    asyncio.run(run())


def test_the_version_that_answers_reads_only_some_of_the_texts_again(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STEP_TEXTS", 1)
    texts = 2 * module.TIMED_STEPS

    async def test() -> None:
        shadowed.offer(["good"] * texts)
        await shadowed.until(texts)

    shadowed.run(test)
    assert shadowed.total().answering_seconds.count == 2


def test_predictions_are_compared_with_what_was_said(shadowed: Shadowed) -> None:
    said = Prediction("negative", 0.0, 1, 1, False)

    async def test() -> None:
        shadowed.shadow.offer(shadowed.predictors[0], ["good good"], [said])
        await shadowed.until(1)

    shadowed.run(test)
    assert shadowed.total().flips == 1
    assert shadowed.total().largest == shadowed.predictors[1].predict(["good good"])[0].probability
