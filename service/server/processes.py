"""The processes that serve: a single one, or several workers on one port with a supervisor."""

import asyncio
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
import uvicorn.supervisors.multiprocess
from prometheus_client.multiprocess import mark_process_dead
from uvicorn._subprocess import subprocess_started
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import SIGNALS

from service.cores import FORKS, MAX_WORKERS, available_cores
from service.errors import ServiceError
from service.inference.predictor import Predictor
from service.models.fleet import Fleet
from service.server.application import check_settings, create_app
from service.server.logs import configure_logging
from service.server.memory import settle
from service.server.protocol import ConnectionLimits, HttpProtocol
from service.server.scoring_processes import ScoringProcesses
from service.settings import Settings, SettingsError

logger = logging.getLogger("service")

_PARENT_SECONDS = 0.5

_RETRY_SECONDS = 2.0
"""Pause of a worker that cannot start, before the next is tried."""

_OTHER_FILES = 200
"""Files that a process may have open beside its connections."""


def serve_alone(settings: Settings) -> None:
    """Serve from this process until a signal stops it.

    Raises:
        BundleError: a bundle cannot be used.
        SettingsError: a setting cannot be met.
    """
    server = GracefulServer(_config(settings, create_app(settings)))
    server.run()
    if not server.started:
        sys.exit(1)


def serve_with_workers(settings: Settings, run_dir: Path, workers: int, loaded: Sequence[Predictor]) -> None:
    """Serve from several processes until a signal stops this one, their parent.

    The workers are forked, so that all processes read the models in the same memory. Beside them there is a scoring
    process for each core, unless the settings say how many threads compute.

    Args:
        settings: the settings.
        run_dir: folder that the workers share.
        workers: number of workers.
        loaded: the models, loaded in this process, so that a broken bundle stops the start with one message.

    Raises:
        SettingsError: a setting cannot be met.
    """
    fleet = Fleet(run_dir)
    check_settings(settings, fleet)
    scoring: ScoringProcesses | None = None
    if FORKS and not settings.threads:
        scoring = ScoringProcesses(settings, fleet, loaded, min(available_cores(), MAX_WORKERS))
    app = partial(worker_app, settings, run_dir, loaded if FORKS else (), scoring)
    config = _config(settings, app, factory=True, workers=workers)
    settle()
    supervisor = Supervisor(config, [listening_socket(config)], fleet, scoring)
    supervisor.run()
    if supervisor.failed:
        sys.exit(1)


def listening_socket(config: uvicorn.Config) -> socket.socket:
    """Make the socket that all workers listen on, whose connections send what is written at once.

    An answer is written in two parts. uvloop asks for that itself; the standard event loop does not on a socket that it
    did not make, and the second part would wait 40 ms for the client to acknowledge the first.
    """
    listening = config.bind_socket()
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    return listening


def worker_app(settings: Settings, run_dir: Path, loaded: Sequence[Predictor], scoring: ScoringProcesses | None) -> Any:
    """Make the application of one of several processes, with the models that their parent has loaded.

    Where it cannot be made any more, as with a file of keys that is gone, this process ends and its parent tries again.
    """
    configure_logging(settings)
    threading.Thread(target=_stop_without_parent, daemon=True).start()
    try:
        return create_app(settings, Fleet(run_dir), loaded, scoring.jobs() if scoring else None)
    except ServiceError as error:
        logger.error("this worker cannot start: %s", error)
        time.sleep(_RETRY_SECONDS)
        sys.exit(1)


def _stop_without_parent() -> None:
    """Stop this worker as SIGTERM does, with draining, once its parent is gone, as after SIGKILL."""
    parent = multiprocessing.parent_process()
    while parent is not None and os.getppid() == parent.pid:
        time.sleep(_PARENT_SECONDS)
    logger.error("the parent process is gone; this worker stops")
    os.kill(os.getpid(), signal.SIGTERM)


class GracefulServer(uvicorn.Server):
    """A server that accepts the connections in the kernel's queue before it stops listening."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening and finish the requests in work.

        The kernel resets the connections that were made and not yet accepted when the last descriptor of a listening
        socket is closed. So one is kept until uvicorn's is closed, and what is in the queue is accepted from it.
        """
        kept = [listening.dup() for server in self.servers for listening in server.sockets]
        for server in self.servers:
            server.close()
        for listening in kept:
            listening.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    connection, _ = listening.accept()
                    await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
            listening.close()
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


class Worker(uvicorn.supervisors.multiprocess.Process):
    """A worker process with a `GracefulServer`, forked where that is safe."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        if FORKS:
            context = multiprocessing.get_context("fork")
            self.process = context.Process(target=self._begin, args=(sockets,))  # type: ignore[assignment]

    @property
    def server(self) -> uvicorn.Server:
        """The server, made in the process itself at the first access."""
        if self._server is None:
            self._server = GracefulServer(self.config)
        return self._server

    def _begin(self, sockets: list[socket.socket]) -> None:
        """Serve, with the signals' usual effects and not those that they have in the parent."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        subprocess_started(self.config, self.target, sockets, stdin_fileno=None)


class Replacement(Worker):
    """A worker in the place of one that died: where it cannot start either, the others go on and the next is tried."""

    @property
    def exitcode(self) -> int | None:
        """The exit code, which is never that of a failed start: at this one uvicorn would stop all workers."""
        code = super().exitcode
        return 1 if code == STARTUP_FAILURE else code


class Supervisor(Multiprocess):
    """The parent of the workers: it starts them, replaces those that died, and passes on signals.

    Args:
        config: of each worker.
        sockets: that all workers listen on.
        fleet: the fleet of the workers.
        scoring: scoring processes to keep beside them; None for none.
    """

    def __init__(
        self, config: uvicorn.Config, sockets: list[Any], fleet: Fleet, scoring: ScoringProcesses | None = None
    ) -> None:
        super().__init__(config, sockets)
        self._fleet = fleet
        self._scoring = scoring
        self._pids: set[int] = set()
        self.failed = False
        """True after a first worker could not start."""

    def init_processes(self) -> None:
        """Start the first workers."""
        uvicorn.supervisors.multiprocess.Process = Worker  # type: ignore[misc] # there is no other way to name it
        super().init_processes()
        uvicorn.supervisors.multiprocess.Process = Replacement  # type: ignore[misc]
        self._pids = self._running()
        self._keep_scoring()

    def run(self) -> None:
        """Run the workers until a signal stops them, and the scoring processes until the last of them has ended."""
        try:
            super().run()
        finally:
            if self._scoring:
                self._scoring.close()

    def terminate_all(self) -> None:
        """Stop the workers, and close the sockets of this process, so that only the workers listen."""
        super().terminate_all()
        for listening in self.sockets:
            listening.close()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that died or hang, and remove them from metrics and fleet."""
        if self.should_exit.is_set():
            return
        try:
            super().keep_subprocess_alive()
        except OSError as error:  # no process can be made, for want of memory or by a limit
            logger.error("a worker cannot be replaced yet: %s", error)
        self.failed = self.should_exit.is_set()
        running = self._running()
        for pid in self._pids - running:
            logger.error("worker %d is gone", pid)
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
            self._fleet.forget(pid)
        self._pids = running
        self._keep_scoring()

    def _keep_scoring(self) -> None:
        if self._scoring:
            try:
                self._scoring.keep(self.sockets)
            except OSError as error:
                logger.error("a scoring process cannot be started yet: %s", error)

    def _running(self) -> set[int]:
        return {process.pid for process in self.processes if process.pid and process.exitcode is None}

    def handle_hup(self) -> None:
        """Make every worker read the models folder again."""
        self._fleet.change()


def _config(settings: Settings, app: Any, **several: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=partial(HttpProtocol, _limits(settings)),  # type: ignore[arg-type]
        ws="none",
        proxy_headers=False,  # `server.forwarded` reads them
        timeout_keep_alive=settings.keep_alive_seconds,  # type: ignore[arg-type] # the event loop takes fractions
        lifespan="on",  # else uvicorn serves on where the application's own start has failed
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        timeout_worker_healthcheck=30,  # seconds without a sign of life, after which a worker is replaced
        **several,
    )


def _limits(settings: Settings) -> ConnectionLimits:
    """Choose the limits of connections, within the number of files that the process may open.

    Raises:
        SettingsError: there is no room for any.
    """
    limits = ConnectionLimits(
        header_seconds=settings.header_seconds,
        body_seconds=settings.body_seconds,
        stall_seconds=settings.stream_idle_seconds,
        max_header_bytes=settings.max_header_bytes,
        max_connections=settings.max_connections,
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + limits.reserve + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))  # workers inherit it
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return limits
    possible = soft - limits.reserve - _OTHER_FILES
    if possible < 1:
        raise SettingsError(f"A process may open {soft} files here, too few to serve: ulimit -n {wanted} allows more.")
    logger.warning("a process may open %d files, so that it takes %d connections (ulimit -n)", soft, possible)
    return replace(limits, max_connections=possible)
