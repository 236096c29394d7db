"""The start: everything that comes before the service is imported and its models are loaded."""

import os
import socket
import tempfile
from pathlib import Path

from service.cores import available_cores, share_out
from service.models.copies import fetch, watch
from service.models.fleet import Fleet
from service.models.repository import Repository
from service.server.logs import configure_logging
from service.settings import Settings, SettingsError


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
        from service.server.processes import serve_alone

        serve_alone(settings)
        return
    loaded = list(Repository.open(settings, Fleet.private()).registry)  # first: imports use the memory that it leaves
    with _run_dir() as folder:
        metrics = Path(folder, "metrics")
        metrics.mkdir()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)  # prometheus_client looks for it when it is imported
        from service.server.processes import serve_with_workers

        serve_with_workers(settings, Path(folder), workers, loaded)


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


def _run_dir() -> tempfile.TemporaryDirectory[str]:
    """Make the folder that the workers share; in memory if the file system is read-only."""
    for parent in (None, "/dev/shm"):  # noqa: S108 (made with a random name, for this user alone)
        try:
            return tempfile.TemporaryDirectory(prefix="sentiment-", dir=parent)
        except OSError:
            continue
    raise SettingsError("Several workers need a folder that can be written to: TMPDIR names one.")
