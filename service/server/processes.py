"""The processes that serve: a single one, or several workers on one port with a supervisor."""

import asyncio
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
import uvicorn.supervisors.multiprocess
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.supervisors import Multiprocess

from service.cores import available_cores, share_out
from service.feedback.database import open_database
from service.models.copies import fetch, watch
from service.models.fleet import Fleet
from service.models.repository import Repository
from service.server.application import create_app
from service.server.logs import configure_logging
from service.server.protocol import ConnectionLimits, HttpProtocol
from service.settings import Settings, SettingsError

logger = logging.getLogger("service")

_OTHER_FILES = 200
"""Files that a process may have open beside its connections."""


def run(settings: Settings) -> None:
    """Serve until a signal stops the service.

    Args:
        settings: the settings.

    Raises:
        BundleError: a bundle cannot be used.
        SettingsError: a setting cannot be met.
    """
    configure_logging(settings)
    _check_address(settings)
    if settings.models_store:
        fetch(settings)
        if settings.watch_models:
            watch(settings)
    workers, _ = share_out(available_cores(), settings.workers)
    if workers == 1:
        server = GracefulServer(_config(settings, create_app(settings)))
        server.run()
        if not server.started:
            sys.exit(1)
        return
    with _run_dir() as folder:
        # prometheus_client looks for this when it is imported, in the processes to come.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(Path(folder, "metrics"))
        Path(folder, "metrics").mkdir()
        Repository.open(settings, Fleet.private())  # a broken bundle stops the start here, not in every worker again
        if settings.feedback_file:  # the same
            open_database(settings.feedback_file).close()
        config = _config(settings, partial(worker_app, settings, Path(folder)), factory=True, workers=workers)
        Supervisor(config, [config.bind_socket()], Fleet(Path(folder))).run()


def worker_app(settings: Settings, run_dir: Path) -> Any:
    """Make the application of one of several processes."""
    configure_logging(settings)
    threading.Thread(target=_stop_without_parent, daemon=True).start()
    return create_app(settings, Fleet(run_dir))


def _stop_without_parent() -> None:
    """Stop this worker as SIGTERM does, with draining, once its parent is gone, as after SIGKILL."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
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
    """A worker process with a `GracefulServer`."""

    @property
    def server(self) -> uvicorn.Server:
        """The server, made in the process itself at the first access."""
        if self._server is None:
            self._server = GracefulServer(self.config)
        return self._server


class Supervisor(Multiprocess):
    """The parent of the workers: it starts them, replaces those that died, and passes on signals.

    Args:
        config: of each worker.
        sockets: that all workers listen on.
        fleet: the fleet of the workers.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[Any], fleet: Fleet) -> None:
        super().__init__(config, sockets)
        self._fleet = fleet
        uvicorn.supervisors.multiprocess.Process = Worker  # type: ignore[misc] # there is no other way to name it

    def terminate_all(self) -> None:
        """Stop the workers, and close the sockets of this process, so that only the workers listen."""
        super().terminate_all()
        for listening in self.sockets:
            listening.close()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that died or hang, and remove them from metrics and fleet."""
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            if pid is not None:
                logger.error("worker %d is gone; another takes its place", pid)
                mark_process_dead(pid)  # type: ignore[no-untyped-call]
                self._fleet.forget(pid)

    def handle_hup(self) -> None:
        """Make every worker read the models folder again."""
        self._fleet.change()


def _check_address(settings: Settings) -> None:
    """Try to listen: the message of uvicorn for a failure has no advice.

    Raises:
        SettingsError: it cannot.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"Nothing can listen on {settings.host}, port {settings.port}: {str(error.strerror).lower()}. "
                "--host and --port choose another place; port 0 is a free one."
            ) from error


def _config(settings: Settings, app: Any, **several: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=partial(HttpProtocol, _limits(settings)),  # type: ignore[arg-type]
        ws="none",
        proxy_headers=False,  # `server.forwarded` reads them
        timeout_keep_alive=settings.keep_alive_seconds,  # type: ignore[arg-type] # the event loop takes fractions
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


def _run_dir() -> tempfile.TemporaryDirectory[str]:
    """Make the folder that the workers share; in memory if the file system is read-only."""
    for parent in (None, "/dev/shm"):  # noqa: S108 (made with a random name, for this user alone)
        try:
            return tempfile.TemporaryDirectory(prefix="sentiment-", dir=parent)
        except OSError:
            continue
    raise SettingsError("Several workers need a folder that can be written to: TMPDIR names one.")
