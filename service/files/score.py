"""Scoring of a file without a server, on all cores: windows of records, in order.

The models are called directly, by a pool, and not through `service.classifier`: with one caller nothing is refused for
load, no small request waits, and an event loop between reader and pool would only cost time.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from service.files.pool import Submit, scoring_pool
from service.files.record import Position
from service.files.sources import ScoreError, Source, Window
from service.inference.batching import SCORE_JOB_TEXTS, SCORE_WINDOWS_AHEAD, by_length, restored
from service.inference.predictor import Prediction
from service.models.model_choice import Choice


class Sink(Protocol):
    """An output."""

    def write(self, data: bytes) -> None:
        """Add a piece."""

    def checkpoint(self, position: Position, state: dict[str, Any]) -> None:
        """Note that all before this place of the input is written."""


def run(source: Source, sink: Sink, choice: Choice, is_new: bool, progress: Callable[[int], None]) -> None:
    """Score all of a source.

    Args:
        source: gives the texts.
        sink: takes the answers.
        choice: of the models that score them.
        is_new: whether the output has to be begun.
        progress: told how much of the source was read for what is written.

    Raises:
        ServiceError: the source cannot be read, or a process was killed.
    """
    pool, submit = scoring_pool(choice)
    ahead: deque[tuple[Window, Callable[[], list[Prediction]]]] = deque()

    def write() -> None:
        nonlocal is_new
        window, predictions = ahead.popleft()
        data = window.answer(predictions())
        sink.write(source.head() + data if is_new else data)
        is_new = False
        if window.after:
            sink.checkpoint(window.after, source.state())
        progress(window.read)

    try:
        for window in source.windows():
            ahead.append((window, _begin(submit, window.texts)))
            if len(ahead) > SCORE_WINDOWS_AHEAD:
                write()
        while ahead:
            write()
        sink.write(source.tail())
    except BrokenProcessPool as error:
        raise ScoreError(
            "A process that scored was killed, perhaps as memory is short; "
            "fewer cores need less (taskset -c 0 COMMAND)."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(submit: Submit, texts: list[str]) -> Callable[[], list[Prediction]]:
    """Let the pool score texts, those of like length together, and return what waits for the ordered predictions."""
    order = by_length(texts)
    futures = [
        submit([texts[position] for position in order[start : start + SCORE_JOB_TEXTS]])
        for start in range(0, len(texts), SCORE_JOB_TEXTS)
    ]

    def predictions() -> list[Prediction]:
        scored = [prediction for future in futures for prediction in future.result()]
        return restored(order, scored)

    return predictions
