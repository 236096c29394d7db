"""The feedback of one process: it collects answers without waiting for the database, and takes labels in."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeVar

from service.errors import (
    AnswerNotFoundError,
    FeedbackUnavailableError,
    InvalidRequestError,
    OverloadedError,
    ServiceError,
)
from service.feedback.answers import Entry
from service.feedback.database import unavailable
from service.feedback.figures import Figures, read_figures
from service.feedback.store import AGES, Limits, Store, StoredAnswer
from service.inference.predictor import ModelName, Prediction
from service.models.model_choice import Choice
from service.settings import Settings

logger = logging.getLogger("service")

WRITE_SECONDS = 0.25
"""Time between two writes of answers."""

VISIBLE_SECONDS = 1.0
"""Time within which the answers of any process can be found."""

MAX_ASKING = 100
"""Requests of feedback that one process works on; further ones are refused, and predictions are not."""

MAX_UNWRITTEN_ANSWERS = 100_000
"""Answers that wait to be written; while the database cannot be written, further ones are lost."""

MAX_UNWRITTEN_CHARS = 20_000_000
"""Characters of their texts, where texts are kept."""

_POLL_SECONDS = 0.1
_STORE_SECONDS = 5.0
_PRUNE_SECONDS = 60.0
_COMPLAINT_SECONDS = 60.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Feedback that was kept.

    Attributes:
        answer: the answer that it is about.
        position: of the text in its request.
        replaced: whether it took the place of earlier feedback.
    """

    answer: StoredAnswer
    position: int
    replaced: bool


class Recorder:
    """Collect answers and keep labels, on a thread of its own.

    Args:
        path: the database.
        limits: limits of what is kept.
        lost: counts answers that could not be written.

    Raises:
        SettingsError: the file cannot be used.
    """

    def __init__(self, path: Path, limits: Limits, lost: Callable[[int], None]) -> None:
        self.figures: Sequence[Figures] = ()
        """The figures that were read last."""
        self._path = path
        self._limits = limits
        self._lost = lost
        self._store = Store(path, limits)
        self._thread = ThreadPoolExecutor(1, "feedback")
        self._unwritten: list[Entry] = []
        self._answers = 0
        self._chars = 0
        self._asking = 0
        self._complained = float("-inf")

    def remember(
        self, request_id: str, choice: Choice, texts: Sequence[str], predictions: Sequence[Prediction]
    ) -> None:
        """Take note of the answers to a request; the next write stores them."""
        if self._answers >= MAX_UNWRITTEN_ANSWERS or self._chars >= MAX_UNWRITTEN_CHARS:
            self._lost(len(predictions))
            return
        self._answers += len(predictions)
        if self._limits.texts:
            self._chars += sum(map(len, texts))
            self._unwritten.append((request_id, choice, texts, predictions))
        else:
            self._unwritten.append((request_id, choice, None, predictions))

    async def run(self) -> None:
        """Write answers and delete what is old, until cancelled."""
        prune_seconds = min(_PRUNE_SECONDS, self._limits.seconds / AGES)
        pruned = float("-inf")
        while True:
            try:
                await self._write()
                if monotonic() - pruned > prune_seconds and not await self._on_thread(self._store.prune):
                    pruned = monotonic()
            except FeedbackUnavailableError as error:
                self._complain(error)
            await asyncio.sleep(WRITE_SECONDS)

    async def judge(self, request_id: str, position: int | None, label: str) -> Judgement:
        """Keep the true label of an answer.

        Args:
            request_id: id of the request that was answered.
            position: of the text in it; None for its only one.
            label: the true label.

        Raises:
            AnswerNotFoundError: no answer to such a request is remembered.
            InvalidRequestError: it has no such position, or its model no such label.
            UnavailableError: the database cannot be used, or is asked for too much.
        """
        with self._turn():
            answers = await self._find(request_id)
            if position is None and len(answers) > 1:
                raise InvalidRequestError(
                    f"The request had {len(answers):,} texts; add the position of one, from 0.", "/position"
                )
            position = position or 0
            if position >= len(answers):
                raise InvalidRequestError(
                    f"position is {position:,}; the request had {len(answers):,} texts, counted from 0.", "/position"
                )
            return await self._put(request_id, position, answers[position], label)

    async def judge_answer(self, request_id: str, answer: StoredAnswer, label: str) -> Judgement:
        """Keep the true label of an answer that was just given, as the only one to its request.

        Raises:
            InvalidRequestError: the model has no such label.
            UnavailableError: the database cannot be used, or is asked for too much.
        """
        with self._turn():
            return await self._put(request_id, 0, answer, label)

    async def refresh(self) -> Sequence[Figures]:
        """Read the figures anew.

        Raises:
            FeedbackUnavailableError: they cannot be read now.
        """
        try:
            self.figures = await asyncio.to_thread(read_figures, self._path)
        except FeedbackUnavailableError:
            raise
        except ServiceError as error:  # the file was taken away
            raise FeedbackUnavailableError(f"{error} Start the service again.") from error
        return self.figures

    async def close(self) -> None:
        """Write what is unwritten, and close the database."""
        try:
            await self._write()
        except FeedbackUnavailableError as error:
            logger.warning("%d answers are not remembered: %s", self._answers, error)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
        self._thread.shutdown()

    async def _find(self, request_id: str) -> list[StoredAnswer]:
        """Find the answers to a request; for a moment wait for another process to write them."""
        until = monotonic() + VISIBLE_SECONDS
        after = 0
        while True:
            await self._write()
            began = monotonic()
            answers, after = await self._on_thread(partial(self._store.find, request_id, after))
            if answers:
                return answers
            if began > until:
                raise AnswerNotFoundError(
                    f"No answer to the request {request_id!r} is remembered. Take X-Request-ID of an answer of the "
                    f"last {self._limits.seconds / 86_400:g} days and {self._limits.answers:,} texts, not of a file "
                    '(/predict/batch); or send the text: {"text": "…", "label": "…"}.',
                    "/request_id",
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def _put(self, request_id: str, position: int, answer: StoredAnswer, label: str) -> Judgement:
        check_label(label, answer.model, answer.labels)
        replaced = await self._on_thread(lambda: self._store.put(request_id, position, answer, label))
        return Judgement(answer, position, replaced)

    async def _write(self) -> None:
        """Write the answers that are unwritten; where that fails they are kept for the next time.

        Raises:
            FeedbackUnavailableError: the database cannot be written.
        """
        if not self._unwritten:
            return
        entries, self._unwritten = self._unwritten, []
        error = await asyncio.shield(self._add(entries))  # a request that ends meanwhile must not end this
        if error:
            raise unavailable(error) from error

    async def _add(self, entries: list[Entry]) -> sqlite3.Error | None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._store.add, entries)
        except sqlite3.Error as error:
            self._unwritten[:0] = entries
            return error
        for _, _, texts, predictions in entries:
            self._answers -= len(predictions)
            self._chars -= sum(map(len, texts)) if texts else 0
        return None

    async def _on_thread(self, work: Callable[[], Result]) -> Result:
        """Do work on the thread of the database.

        Raises:
            FeedbackUnavailableError: the database cannot be used, or others are waiting for it.
        """
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise unavailable(error) from error
        except TimeoutError as error:
            raise FeedbackUnavailableError("The file of feedback is slow; send the feedback again later.") from error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Count a request of feedback while it is worked on.

        Raises:
            OverloadedError: there are too many.
        """
        if self._asking >= MAX_ASKING:
            raise OverloadedError(f"{self._asking} requests of feedback are in work already; try again shortly.")
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1

    def _complain(self, error: Exception) -> None:
        if monotonic() - self._complained > _COMPLAINT_SECONDS:
            self._complained = monotonic()
            logger.warning("answers are not remembered for now: %s", error)


def open_recorder(settings: Settings, lost: Callable[[int], None]) -> Recorder | None:
    """Open the recorder of the settings; None if feedback is not kept.

    Raises:
        SettingsError: the file cannot be used.
    """
    if settings.feedback_file is None:
        return None
    limits = Limits(settings.feedback_days * 86_400, settings.feedback_max_answers, settings.feedback_texts)
    return Recorder(settings.feedback_file, limits, lost)


def check_label(label: str, model: ModelName, labels: tuple[str, str]) -> None:
    """Check that a model has a label.

    Raises:
        InvalidRequestError: it has not; the message names those that it has.
    """
    if label not in labels:
        raise InvalidRequestError(
            f"label is {label[:40]!r}; the labels of {model} are {' and '.join(labels)}.", "/label"
        )
