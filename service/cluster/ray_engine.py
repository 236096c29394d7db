"""Ray: the files of a corpus as tasks on the processors of a cluster.

A file is a task, so that Ray itself starts workers where processors are free, asks an autoscaler for more, and repeats
the files of a worker or a machine that is lost. Ray Data would pass rows through stages that hold processors of their
own, and would write as many outputs as there are blocks; here no row leaves its worker, and each input has one output.
"""

import os
import signal
import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from service.cluster.corpus import InputFile
from service.cluster.scored_file import Job, Outcome, score_file
from service.cores import available_cores
from service.errors import ServiceError
from service.files.record import counted
from service.inference.bundle import one_line
from service.models.packed import PackedModels

RETRIES = 5
"""Times that a file is begun again after its worker has died."""

_AHEAD = 1_000
"""Files given to the cluster at a time, if the number of workers has no limit; an autoscaler goes by them."""

_KNOCK_SECONDS = 10.0
_LOCAL = "local"
_STORE_BYTES = 200_000_000
"""Shared memory of a local cluster; only the models are in it."""


class ClusterError(ServiceError):
    """A cluster cannot be reached, or cannot do the work."""


@dataclass(frozen=True)
class Workers:
    """Bounds of the number of workers, each with one processor.

    Attributes:
        least: asked of the cluster's autoscaler from the start; 0 leaves it to the files that wait.
        most: files that are scored at a time; None for as many as the cluster has processors.
    """

    least: int = 0
    most: int | None = None


@contextmanager
def cluster(address: str | None, workers: Workers) -> Iterator[None]:
    """Join a cluster of Ray, or start one on this machine, until the block ends.

    Args:
        address: such as `ray://head:10001` or `auto`; None starts one.
        workers: a cluster that is started has as many processors as the most of them, or as this machine.

    Raises:
        ClusterError: it cannot be reached, or Ray is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports its use to its maker unless told not to
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ClusterError("This engine needs the extra 'ray': pip install 'conv1d-sentiment[ray]'") from error
    own: dict[str, Any] = {}
    _knock(address)
    if (address or _LOCAL) == _LOCAL:
        processors = workers.most or available_cores()
        own = {"num_cpus": processors, "object_store_memory": _STORE_BYTES, "include_dashboard": False}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings(action="ignore"):  # they come beside the error
            ray.init(address or _LOCAL, log_to_driver=False, logging_level="error", **own)
    except Exception as error:  # it has many
        token = " Where it needs a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN." if address else ""
        place = address or "A cluster on this machine"
        raise ClusterError(f"{place} cannot be used: {one_line(error)}.{token}") from error
    signal.signal(signal.SIGTERM, handler)  # of which Ray has made one of its own
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str | None) -> None:
    """Check that something listens at an address: Ray would try for minutes.

    Raises:
        ClusterError: nothing does.
    """
    parts = urlsplit(address if address and "://" in address else f"//{address}")
    try:
        if parts.hostname and parts.port:
            socket.create_connection((str(parts.hostname), parts.port), _KNOCK_SECONDS).close()
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"{address} cannot be reached: {one_line(error)}. It should be that of a head node: ray://HOST:10001 from "
            "outside of the cluster, auto on one of its machines."
        ) from error


def outcomes(job: Job, files: Sequence[InputFile], models: PackedModels, workers: Workers) -> Iterator[Outcome | None]:
    """Score files on the cluster.

    Args:
        job: that they belong to.
        files: in the order in which they are begun.
        models: to score them with.
        workers: at a time.

    Yields:
        The outcome of each file as it is finished, and None while none is.

    Raises:
        ServiceError: no file can be scored there.
    """
    import ray

    if workers.least:  # in the cluster, as a program that is connected from outside cannot ask it
        ray.get(ray.remote(num_cpus=0)(_request).remote(workers.least))
    task = ray.remote(num_cpus=1, max_retries=RETRIES, scheduling_strategy="SPREAD")(_score)
    shared = [ray.put(models)]
    waiting = iter(files)
    running: dict[Any, InputFile] = {}

    def begin(number: int) -> None:
        for file in islice(waiting, number):
            running[task.remote(job, file, shared)] = file

    begin(workers.most or _AHEAD)
    while running:
        finished, _ = ray.wait(list(running), num_returns=1, timeout=1.0)
        for reference in finished:
            yield _outcome(reference, running.pop(reference), job)
        begin(len(finished))
        if not finished:
            yield None


def processors() -> int:
    """Return the number of processors that the cluster has now."""
    import ray

    return int(ray.cluster_resources().get("CPU", 0))


def _request(processors: int) -> None:
    """Ask the cluster's autoscaler for processors."""
    from ray.autoscaler.sdk import request_resources

    request_resources(num_cpus=processors)


def _score(job: Job, file: InputFile, shared: Sequence[Any]) -> Outcome:
    return score_file(job, file, _received(shared[0]))


@lru_cache(maxsize=1)
def _received(reference: Any) -> PackedModels:
    """Receive the models; once in each worker."""
    import ray

    models: PackedModels = ray.get(reference)
    return models


def _outcome(reference: Any, file: InputFile, job: Job) -> Outcome:
    import ray

    try:
        outcome: Outcome = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if not isinstance(cause, ServiceError):
            cause = f"A worker failed: {type(cause).__name__}: {one_line(cause)}. All machines need the same package."
        raise ClusterError(str(cause)) from error
    except ray.exceptions.RayError as error:
        what = f"Its worker died {counted(RETRIES + 1, 'time')}: {one_line(error)}"
        return Outcome(file.name, file.version, job.fingerprint, error=what)
    return outcome
