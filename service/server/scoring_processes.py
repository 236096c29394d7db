"""Scoring processes: they compute the jobs of files beside the workers, with whatever the processors have left."""

import logging
import multiprocessing
import os
import pickle
import signal
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from select import select
from time import monotonic, perf_counter

from service.errors import BundleError
from service.inference.bundle import one_line
from service.inference.predictor import Predictor
from service.inference.session import in_order
from service.models.fleet import Fleet
from service.models.loading import load_models
from service.scoring_jobs import Scored, ScoringJobs
from service.settings import Settings

logger = logging.getLogger("service")

COMMAND_NAME = "scoring"
"""Name of the processes, as `ps -o comm` and `top` show it."""

NICENESS = 19
"""Priority: the lowest. What a worker computes for a small request comes before."""

RELOAD_PAUSE_SECONDS = 5.0
"""Time from one reading of the models folder, for a model that a process does not have, to the next."""

_STALL_SECONDS = 1.0
_END_SECONDS = 5.0


class ScoringProcesses:
    """The scoring processes, as their parent sees them, which is the parent of the workers too.

    All take jobs from one socket. They end when nobody can send any more: after the workers and the parent, however
    these end.

    Args:
        settings: name the models folder.
        fleet: fleet of the workers.
        loaded: models that the parent has loaded.
        number: number of processes.
    """

    def __init__(self, settings: Settings, fleet: Fleet, loaded: Sequence[Predictor], number: int) -> None:
        self._models = Models(loaded, lambda kept: _load(settings, fleet, kept))
        self._taking, self._sending = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._sending.setblocking(False)
        self._number = number
        self._processes: list[BaseProcess] = []

    def jobs(self) -> ScoringJobs:
        """Make what a worker sends its jobs with."""
        return ScoringJobs(self._sending, self._number)

    def keep(self, closing: Iterable[socket.socket]) -> None:
        """Start the processes that are not there, at first all of them.

        Args:
            closing: sockets of the parent that a process must not hold.

        Raises:
            OSError: none can be made.
        """
        running = [process for process in self._processes if process.is_alive()]
        for process in self._processes:
            if process not in running:
                logger.error("scoring process %s is gone", process.pid)
        self._processes = running
        while len(self._processes) < self._number:
            process = multiprocessing.get_context("fork").Process(target=self._run, args=(closing,))
            process.start()
            self._processes.append(process)

    def close(self) -> None:
        """Wait for the end of the processes, once the workers have ended."""
        for each in (self._sending, self._taking):
            each.close()
        end = monotonic() + _END_SECONDS
        for process in self._processes:
            process.join(max(0.0, end - monotonic()))
            process.kill()

    def _run(self, closing: Iterable[socket.socket]) -> None:
        """Compute jobs; signals are for the parent and the workers."""
        with suppress(OSError):  # of a container that forbids it
            Path("/proc/self/comm").write_text(COMMAND_NAME)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for each in (self._sending, *closing):
            each.close()
        os.nice(NICENESS)
        take_jobs(self._taking, self._models)


class Models:
    """The models of a scoring process.

    Args:
        loaded: to begin with.
        load: reads the models folder, and keeps of these models those that have not changed.
    """

    def __init__(self, loaded: Iterable[Predictor], load: Callable[[Iterable[Predictor]], Iterable[Predictor]]) -> None:
        self._predictors = {predictor.fingerprint: predictor for predictor in loaded}
        self._load = load
        self._read = -RELOAD_PAUSE_SECONDS

    def get(self, fingerprint: str) -> Predictor | None:
        """Return the model with exactly this fingerprint; None if it is not loaded."""
        return self._predictors.get(fingerprint)

    def look_for(self, fingerprint: str) -> None:
        """Read the models folder if the model is not loaded, unless that was tried shortly before."""
        if fingerprint in self._predictors or monotonic() - self._read < RELOAD_PAUSE_SECONDS:
            return
        self._read = monotonic()
        try:
            predictors = self._load(self._predictors.values())
        except BundleError as error:
            logger.error("a scoring process has read no models: %s", one_line(error))
        else:
            self._predictors = {predictor.fingerprint: predictor for predictor in predictors}


def take_jobs(jobs: socket.socket, models: Models) -> None:
    """Compute jobs until nobody can send any.

    Args:
        jobs: socket that gives, with each message, the socket of a job.
        models: models to compute with.
    """
    while True:
        message, descriptors, _, _ = socket.recv_fds(jobs, 1, 1)
        if not message:
            return
        for descriptor in descriptors:
            try:
                with socket.socket(fileno=descriptor) as connection:
                    wanted = _answer(connection, models)
                models.look_for(wanted)  # the worker that has the answer need not wait for that
            except (OSError, EOFError):
                logger.debug("a worker has left its job")
            except Exception:  # the worker computes the job, and answers what is wrong with it
                logger.exception("a job failed in a scoring process")


def _answer(connection: socket.socket, models: Models) -> str:
    """Compute the job of a socket, if somebody waits for it, and return the fingerprint of its model."""
    connection.settimeout(_STALL_SECONDS)
    with connection.makefile("rb") as stream:
        fingerprint, texts = pickle.load(stream)  # noqa: S301 (of a worker of the same service)
    if not select([connection], [], [], 0)[0]:  # else the worker has closed it: there is nothing more to read
        predictor = models.get(fingerprint)
        connection.sendall(pickle.dumps(_score(predictor, texts) if predictor else None))
    return str(fingerprint)


def _score(predictor: Predictor, texts: Sequence[str]) -> Scored:
    taken = perf_counter()
    encoded = predictor.encode(texts)
    runs = predictor.runs(encoded)
    ready = perf_counter()
    outputs = [predictor.compute(run) for run in runs]
    ended = perf_counter()
    predictions = predictor.predictions(encoded, in_order(runs, outputs))
    return Scored(taken, ready, ended, [len(text.token_ids) for text in encoded], predictions)


def _load(settings: Settings, fleet: Fleet, kept: Iterable[Predictor]) -> list[Predictor]:
    loaded = {(predictor.name.name, predictor.name.version): predictor for predictor in kept}
    return load_models(settings, loaded, fleet.target().unloaded)[0]
