"""The use case of the service: classify texts. Routes, protocols and files translate to it and from it.

The commands `predict` and `score` have one caller and no event loop: they call `Choice.predict` on the same models,
with the same validation (`service.texts`), without admission and scheduling.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from service.backlog import Backlog
from service.errors import TooManyTextsError
from service.inference.batching import MAX_INLINE_CHARS, restored
from service.inference.predictor import Prediction, Predictor
from service.models.model_choice import Choice
from service.models.registry import Registry
from service.scheduler import Scheduler, Urgency
from service.texts import check_text
from service.versions import Version

Result = TypeVar("Result")

Answered = Callable[[Predictor, Sequence[str], Sequence[Prediction]], None]
"""Take note of texts that a model has answered, in no time."""

Locate = Callable[[int | None], str | None]
"""Return the place of a text in the request, such as a JSON pointer, by its position; for None that of all texts."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest request.

    Attributes:
        max_texts: texts of one request.
        max_text_chars: characters of one text.
    """

    max_texts: int
    max_text_chars: int


def pointer_to_texts(position: int | None) -> str:
    """Locate a text in a body such as `{"texts": [...]}`."""
    return "/texts" if position is None else f"/texts/{position}"


class Classifier:
    """Select the model, validate the texts, admit them, schedule them, and return the predictions.

    Args:
        registry: returns the models that are served now.
        scheduler: computes the texts in jobs.
        backlog: limits the texts that wait.
        limits: limits of one request.
        answered: called with the answers before they go out; None for nothing.
    """

    def __init__(
        self,
        registry: Callable[[], Registry],
        scheduler: Scheduler,
        backlog: Backlog,
        limits: Limits,
        answered: Answered | None = None,
    ) -> None:
        self._registry = registry
        self._scheduler = scheduler
        self._backlog = backlog
        self._limits = limits
        self._answered = answered

    def select(self, name: str | None = None, version: Version | None = None, key: str | None = None) -> Choice:
        """Select the model of a request, or for `auto` that of each text (see `Registry.choice`).

        Args:
            name: name of the model; None selects the default.
            version: version of the model, or its label; None leaves it to the model's rollout.
            key: requests with the same key get the same version, where the rollout divides them.

        Raises:
            InvalidRequestError, ModelNotFoundError: there is no such model.
        """
        return self._registry().choice(name, version, key)

    async def validate(self, texts: Sequence[str], locate: Locate = pointer_to_texts) -> None:
        """Validate the number of texts and each text; on a thread if they are long, as odd ones take a while.

        Args:
            texts: texts of one request.
            locate: returns the place of a text, for the error.

        Raises:
            TooManyTextsError: there are more than a request may have.
            RequestError: a text is blank, too long or not a text; see `check_text`.
        """
        if len(texts) > self._limits.max_texts:
            raise TooManyTextsError(
                f"There are {len(texts):,} texts; one request may have {self._limits.max_texts:,}.", locate(None)
            )
        await _aside(texts, lambda: self._check(texts, locate))

    def _check(self, texts: Sequence[str], locate: Locate) -> None:
        for position, text in enumerate(texts):
            check_text(text, self._limits.max_text_chars, locate(position))

    def validate_text(self, text: str, pointer: str | None = "/text") -> None:
        """Validate a single text.

        Args:
            text: the text.
            pointer: its place in the request, for the error.

        Raises:
            RequestError: see `check_text`.
        """
        check_text(text, self._limits.max_text_chars, pointer)

    async def classify(self, choice: Choice, texts: Sequence[str], urgency: Urgency = "normal") -> list[Prediction]:
        """Compute a prediction for each text, in order. On cancellation the texts leave the queue.

        Args:
            choice: model of the texts, from `select`.
            texts: validated texts of one request.
            urgency: lane of the texts.

        Raises:
            OverloadedError: too much is waiting; nothing was scheduled.
            ShuttingDownError: the service is stopping.
        """
        chars = self._backlog.enter(texts)
        try:
            return await self._schedule(choice, texts, urgency)
        finally:
            self._backlog.leave(len(texts), chars)

    async def classify_bulk(self, choice: Choice, texts: Sequence[str]) -> list[Prediction]:
        """Compute a prediction for each text of a stream, in order, behind all small requests.

        A stream limits its own texts in the queue, so the backlog neither counts nor refuses them.

        Args:
            choice: model of the texts, from `select`.
            texts: validated texts of one window.

        Raises:
            ShuttingDownError: the service is stopping.
        """
        return await self._schedule(choice, texts, "low")

    async def _schedule(self, choice: Choice, texts: Sequence[str], urgency: Urgency) -> list[Prediction]:
        if not choice.auto:
            return await self._predict(choice.default, texts, urgency)
        shares = await _aside(texts, lambda: choice.shares(texts))
        tasks = [asyncio.ensure_future(self._predict_share(share, texts, urgency)) for share in shares]
        try:
            answers = await asyncio.gather(*tasks)  # all models at once
        finally:
            for task in tasks:
                task.cancel()
        positions = [position for share in shares for position in share[1]]
        return restored(positions, [prediction for answer in answers for prediction in answer])

    async def _predict_share(
        self, share: tuple[Predictor, Sequence[int]], texts: Sequence[str], urgency: Urgency
    ) -> list[Prediction]:
        predictor, positions = share
        return await self._predict(predictor, [texts[position] for position in positions], urgency)

    async def _predict(self, predictor: Predictor, texts: Sequence[str], urgency: Urgency) -> list[Prediction]:
        predictions = await self._scheduler.predict(predictor, texts, urgency)
        if self._answered:
            self._answered(predictor, texts, predictions)
        return predictions


async def _aside(texts: Sequence[str], work: Callable[[], Result]) -> Result:
    """Do work on texts: on the event loop where they are short, else on a thread."""
    if sum(map(len, texts)) <= MAX_INLINE_CHARS:
        return work()
    return await asyncio.to_thread(work)
