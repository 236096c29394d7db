"""The shadow: a version that reads texts which another one has answered, with capacity that is left over."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from service.chance import CHANCE
from service.errors import ShuttingDownError
from service.inference.batching import MAX_INLINE_CHARS
from service.inference.bundle import one_line
from service.inference.inputs import Run
from service.inference.predictor import Prediction, Predictor
from service.inference.tokenizers import Encoded
from service.models.pair import Pair
from service.models.registry import Registry
from service.monitoring.headroom import Headroom
from service.monitoring.shadow_sample import ShadowSample
from service.monitoring.shadow_tally import ShadowTally, flipped
from service.monitoring.tallies import Tallies
from service.scheduler import Scheduler

MAX_WAITING_TEXTS, MAX_WAITING_CHARS = 256, 500_000
"""Texts, and characters of them, that wait for a shadow in one process; more are dropped."""

STEP_TEXTS = 8
"""Texts that a shadow reads at most before the load is looked at again."""

TIMED_STEPS = 8
"""Steps of which in one the version that answers reads the texts too, so that the times of both compare."""

logger = logging.getLogger("service")


@dataclass(eq=False, slots=True)
class _Comparison:
    """The comparison of a pair in this process."""

    pair: Pair
    tally: ShadowTally = field(default_factory=ShadowTally)
    steps: int = 0
    failed: bool = False


class Shadow:
    """Let shadows read a share of the answered texts, behind everything else.

    A text is compared after its answer is out, when nothing else waits and the processor is mostly idle. Texts that
    find the queue full are dropped and counted.

    Args:
        registry: returns the models that are served now, and what is compared.
        scheduler: computes in its bulk lane.
        headroom: tells whether there is capacity.
        tallies: what all processes have compared.
        sample: file of flips; None for none.
    """

    def __init__(
        self,
        registry: Callable[[], Registry],
        scheduler: Scheduler,
        headroom: Headroom,
        tallies: Tallies,
        sample: ShadowSample | None = None,
    ) -> None:
        self._registry = registry
        self._scheduler = scheduler
        self._headroom = headroom
        self._tallies = tallies
        self._sample = sample
        self._comparisons: dict[str, _Comparison] = {}
        self._waiting: deque[tuple[_Comparison, str, Prediction]] = deque()
        self._chars = 0
        self._offered = asyncio.Event()

    def offer(self, predictor: Predictor, texts: Sequence[str], predictions: Sequence[Prediction]) -> None:
        """Take a share of answered texts, if a shadow compares with the model that answered them.

        Args:
            predictor: the model that answered.
            texts: validated texts.
            predictions: its answers to them.
        """
        pair = self._registry().pairs.get(predictor)
        if pair is None:
            return
        comparison = self._comparison(pair)
        for text, prediction in zip(texts, predictions, strict=True):
            if CHANCE.random() >= pair.share:
                continue
            if len(self._waiting) >= MAX_WAITING_TEXTS or self._chars + len(text) > MAX_WAITING_CHARS:
                comparison.tally.dropped += 1
                continue
            self._waiting.append((comparison, text, prediction))
            self._chars += len(text)
            self._offered.set()

    async def run(self) -> None:
        """Compare what was offered, whenever there is capacity, until cancelled or the scheduler is closed."""
        while True:
            await self._offered.wait()
            if not await self._headroom.is_there() or self._scheduler.waiting:
                continue
            if step := self._take():
                try:
                    await self._compare(*step)
                except ShuttingDownError:
                    return
            if not self._waiting:
                self._offered.clear()

    def keep(self) -> None:
        """Write the tallies of this process for the others; begin anew where the pair is another."""
        pairs = {pair.answering.name.name: pair for pair in self._registry().pairs.values()}
        for name in self._comparisons.keys() - pairs.keys():
            del self._comparisons[name]
        for pair in pairs.values():
            self._comparison(pair)
        self._tallies.write(
            {
                name: {"pair": comparison.pair.identity, **comparison.tally.fields()}
                for name, comparison in self._comparisons.items()
            }
        )

    def total(self, pair: Pair) -> ShadowTally:
        """Add up what all processes have compared of a pair."""
        self.keep()
        total = ShadowTally()
        for models in self._tallies.read():
            tally = models.get(pair.answering.name.name)
            if tally and tally.pop("pair") == pair.identity:
                total.merge(ShadowTally.of_fields(tally))
        return total

    def _comparison(self, pair: Pair) -> _Comparison:
        name = pair.answering.name.name
        comparison = self._comparisons.get(name)
        if comparison is None or (comparison.pair is not pair and comparison.pair.identity != pair.identity):
            comparison = self._comparisons[name] = _Comparison(pair)
            # What processes that have ended compared must not come back with the pair of that time.
            self._tallies.remove(lambda models: name in models and models[name]["pair"] != pair.identity)
        comparison.pair = pair
        return comparison

    def _take(self) -> tuple[_Comparison, list[str], list[Prediction]] | None:
        """Take the oldest texts of one comparison, and drop those of comparisons that have ended."""
        taken: _Comparison | None = None
        texts: list[str] = []
        predictions: list[Prediction] = []
        chars = 0
        while self._waiting and len(texts) < STEP_TEXTS:
            comparison, text, prediction = self._waiting[0]
            chars += len(text)
            if taken and (comparison is not taken or chars > MAX_INLINE_CHARS):
                break
            self._waiting.popleft()
            self._chars -= len(text)
            if comparison is not self._comparisons.get(comparison.pair.answering.name.name):
                continue
            taken = comparison
            texts.append(text)
            predictions.append(prediction)
        return (taken, texts, predictions) if taken else None

    async def _compare(self, comparison: _Comparison, texts: list[str], answered: list[Prediction]) -> None:
        pair, tally = comparison.pair, comparison.tally
        try:
            if comparison.steps % TIMED_STEPS == 0:
                again = _Reading(pair.answering)
                await self._scheduler.predict(again, texts, "low")
                tally.answering_seconds.add(again.spent / len(texts), len(texts))
            reading = _Reading(pair.shadow)
            shadowed = await self._scheduler.predict(reading, texts, "low")
        except ShuttingDownError:
            raise
        except Exception as error:  # whatever the shadow does, the service goes on
            tally.dropped += len(texts)
            if not comparison.failed:
                comparison.failed = True
                logger.error("the shadow %s fails: %s: %s", pair.shadow.name, type(error).__name__, one_line(error))
            return
        comparison.steps += 1
        tally.shadow_seconds.add(reading.spent / len(texts), len(texts))
        flips = []
        for text, before, after in zip(texts, answered, shadowed, strict=True):
            is_flip = flipped(pair, before, after)
            tally.compare(before, after, is_flip)
            if is_flip:
                flips.append((text, before, after))
        if self._sample and flips:
            await asyncio.to_thread(self._sample.append, pair, flips)


class _Reading:
    """The steps of a prediction that no metric of served answers counts, and their time."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.spent = 0.0
        """Time of tokenization and inference."""

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        began = perf_counter()
        encoded = self._predictor.encode(texts)
        self.spent += perf_counter() - began
        return encoded

    def runs(self, encoded: Sequence[Encoded]) -> list[Run]:
        began = perf_counter()
        runs = self._predictor.runs(encoded)
        self.spent += perf_counter() - began
        return runs

    def seconds(self, run: Run) -> float:  # noqa: ARG002 (of whatever length)
        """Have every run computed on a thread."""
        return math.inf

    def compute(self, run: Run) -> NDArray[np.float32]:
        began = perf_counter()
        probabilities = self._predictor.compute(run)
        self.spent += perf_counter() - began
        return probabilities

    def predictions(self, encoded: Sequence[Encoded], probabilities: NDArray[np.float32]) -> list[Prediction]:
        return self._predictor.predictions(encoded, probabilities)
