"""The processes that serve: one, or several on one port with another that looks after them."""

import asyncio
import logging
import os
import socket
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
import uvicorn.supervisors.multiprocess
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.supervisors import Multiprocess

from service.control import Control
from service.cores import available_cores, share_out
from service.repository import Repository
from service.server.app import create_app
from service.server.logs import configure_logging
from service.server.protocol import LimitedProtocol
from service.settings import Settings, SettingsError

logger = logging.getLogger("service")


def run(settings: Settings) -> None:
    """Serves until told to stop.

    Raises:
        BundleError: a bundle cannot be used.
        SettingsError: a setting cannot be met.
    """
    configure_logging(settings)
    _check_address(settings)
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
        Repository.open(settings, Control.private())  # a broken bundle stops the start here, not in every worker again
        config = _config(settings, partial(worker_app, settings, Path(folder)), factory=True, workers=workers)
        Supervisor(config, [config.bind_socket()], Control(Path(folder))).run()


def worker_app(settings: Settings, run_dir: Path) -> Any:
    """The application of one of several processes."""
    configure_logging(settings)
    return create_app(settings, Control(run_dir))


class GracefulServer(uvicorn.Server):
    """Leaves nobody waiting in the queue of connections when it stops to listen."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops listening and finishes what is going on.

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
    """A process with such a server."""

    @property
    def server(self) -> uvicorn.Server:
        """Made in the process itself."""
        if self._server is None:
            self._server = GracefulServer(self.config)
        return self._server


class Supervisor(Multiprocess):
    """Starts the workers, replaces one that died, and passes on what it is told.

    Args:
        config: of each worker.
        sockets: that they all listen on.
        control: what they share.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[Any], control: Control) -> None:
        super().__init__(config, sockets)
        self._control = control
        uvicorn.supervisors.multiprocess.Process = Worker  # type: ignore[misc] # there is no other way to name it

    def terminate_all(self) -> None:
        """Tells the workers to stop; from then on, only they listen."""
        super().terminate_all()
        for listening in self.sockets:
            listening.close()

    def keep_subprocess_alive(self) -> None:
        """Replaces workers that died or hang, and forgets what they had in work."""
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            if pid is not None:
                logger.error("worker %d is gone; another takes its place", pid)
                mark_process_dead(pid)  # type: ignore[no-untyped-call]
                self._control.forget(pid)

    def handle_hup(self) -> None:
        """Has every worker read the models folder again."""
        self._control.change()


def _check_address(settings: Settings) -> None:
    """Tries to listen, for uvicorn would say in its log only that it cannot, and not what to do.

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
        http=partial(LimitedProtocol, settings.header_seconds, settings.max_header_bytes),  # type: ignore[arg-type]
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        timeout_worker_healthcheck=30,  # seconds without a sign of life, after which a worker is replaced
        **several,
    )


def _run_dir() -> tempfile.TemporaryDirectory[str]:
    """A folder for what the workers share; in memory where the file system cannot be written to."""
    for parent in (None, "/dev/shm"):  # noqa: S108 (made with a random name, for this user alone)
        try:
            return tempfile.TemporaryDirectory(prefix="sentiment-", dir=parent)
        except OSError:
            continue
    raise SettingsError("Several workers need a folder that can be written to: TMPDIR names one.")
