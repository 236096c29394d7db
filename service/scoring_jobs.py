"""Jobs that scoring processes compute beside the workers, as a worker sends them.

A worker makes a pair of sockets for each job, writes the job into one, and sends the other to whichever process takes
it first. Where that process dies, the system closes its socket: no job is waited for in vain, and neither side keeps a
list of the other.
"""

import asyncio
import pickle
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from service.inference.predictor import Prediction, Predictor

PATIENCE_SECONDS = 0.25
"""Time for a scoring process to take a job and compute it; after that the worker computes it. They run when nothing
else does, and on a busy machine that may be never."""

REST_SECONDS = 2.5
"""Time after such a job in which a worker computes all of them, so that a busy machine costs files little."""

JOBS_FOR_EACH = 2
"""Jobs that a worker has sent at a time for each process: one in work and one that waits."""

_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Scored:
    """A job that a scoring process has computed. Times are of `time.perf_counter`, which these processes share.

    Attributes:
        taken: start of tokenization.
        ready: end of tokenization, and start of the first run.
        ended: end of the last run.
        lengths: token ids of each text.
        predictions: one for each text, in order.
    """

    taken: float
    ready: float
    ended: float
    lengths: list[int]
    predictions: list[Prediction]


class ScoringJobs:
    """The jobs of one worker.

    Args:
        processes: socket to the scoring processes, non-blocking.
        number: number of these processes.
    """

    def __init__(self, processes: socket.socket, number: int) -> None:
        self._processes = processes
        self.at_a_time = JOBS_FOR_EACH * number
        """Jobs that are sent at a time; further ones wait here."""
        self._places = asyncio.Semaphore(self.at_a_time)
        self._resting_until = 0.0

    async def score(self, predictor: Predictor, texts: Sequence[str]) -> Scored | None:
        """Have a job computed. Cancelled, it is given up by the process too, unless that has begun.

        Args:
            predictor: of the model.
            texts: validated texts.

        Returns:
            The outcome; None where the caller has to compute the job, as no process could in time.
        """
        async with self._places:
            if monotonic() < self._resting_until:
                return None
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    answer = await self._exchange(pickle.dumps((predictor.fingerprint, texts)))
                scored: Scored | None = pickle.loads(answer)  # noqa: S301 (of a process of the same service)
            except TimeoutError:
                self._resting_until = monotonic() + REST_SECONDS
                return None
            except (OSError, EOFError, pickle.UnpicklingError):
                return None
            return scored

    async def _exchange(self, job: bytes) -> bytes:
        """Send a job to a process and receive what it answers: nothing where it dies."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            with theirs:
                socket.send_fds(self._processes, [b"\0"], [theirs.fileno()])
            await loop.sock_sendall(ours, job)
            answer = bytearray()
            while chunk := await loop.sock_recv(ours, _CHUNK_BYTES):
                answer += chunk
            return bytes(answer)
