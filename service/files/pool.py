"""The pool of `score`: a process for each core, forked with the models loaded, or a thread where none can be forked."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

from service.cores import FORKS, available_cores
from service.inference.predictor import Prediction
from service.models.model_choice import Choice

Submit = Callable[[Sequence[str]], "Future[list[Prediction]]"]
"""Let the pool compute a prediction for each text."""

_choice: Choice  # of this process, where it is one of a pool


def scoring_pool(choice: Choice) -> tuple[Executor, Submit]:
    """Start a pool, and return what submits texts to it.

    Python code of several processes runs side by side, that of threads takes turns.

    Args:
        choice: of the models that score.
    """
    if not FORKS:
        threads = ThreadPoolExecutor(available_cores())
        return threads, lambda texts: threads.submit(choice.predict, texts)
    context = multiprocessing.get_context("fork")
    processes = ProcessPoolExecutor(available_cores(), context, _begin, (choice,))
    processes.submit(os.getpid)  # fork all of them now, before the reader of the file starts threads
    return processes, lambda texts: processes.submit(_predict, texts)


def _begin(choice: Choice) -> None:
    """Begin a process of the pool: its parent alone heeds Ctrl-C, and ends it; it does not outlive its parent."""
    global _choice  # noqa: PLW0603 (a job, sent through a pipe, cannot bring the models along)
    _choice = choice
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _predict(texts: Sequence[str]) -> list[Prediction]:
    return _choice.predict(texts)
