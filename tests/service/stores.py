"""Stores of models: S3, Google's, a hub, a web server, a folder and the memory, as fsspec knows them."""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import httpx
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from tests.service.hub import REPOSITORY, hub_server

BUCKET = "models"


def _start_s3(port: int = 0) -> tuple[ThreadedMotoServer, dict[str, str]]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    return server, {"AWS_ENDPOINT_URL": f"http://{host}:{port}", **keys}


_shared_s3 = functools.cache(_start_s3)
"""One for all tests, as a client takes time to make; it ends with the process."""


@contextmanager
def _filled_s3(variables: dict[str, str], bundles: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        httpx.post(f"{variables['AWS_ENDPOINT_URL']}/moto-api/reset")
        files = fsspec.filesystem("s3")
        files.invalidate_cache()
        files.mkdir(BUCKET)
        files.put(f"{bundles}/", f"{BUCKET}/store/", recursive=True)
        yield f"s3://{BUCKET}/store"


@contextmanager
def s3_server(bundles: Path, port: int = 0) -> Iterator[dict[str, str]]:
    """A server of its own, which holds bundles in `s3://models/store`; gives the variables by which it is found."""
    server, variables = _start_s3(port)
    S3FileSystem.clear_instance_cache()  # these clients ask another server
    try:
        with _filled_s3(variables, bundles):
            yield variables
    finally:
        server.stop()
        S3FileSystem.clear_instance_cache()


class WebServer(SimpleHTTPRequestHandler):
    """Lists and sends files; breaks the connection at paths that begin with `broken`, and stalls at `stalled`."""

    broken: str | None = None
    stalled: str | None = None

    def do_GET(self) -> None:
        if self.broken and self.path.startswith(self.broken):
            self.close_connection = True
            return
        if self.stalled and self.path.startswith(self.stalled):
            time.sleep(60)
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def web_server(folder: Path, broken: str | None = None, stalled: str | None = None) -> Iterator[str]:
    """A web server; gives its address."""
    handler = type("Handler", (WebServer,), {"broken": broken, "stalled": stalled})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def empty_gs_server() -> Iterator[dict[str, str]]:
    """A server of Google Cloud Storage's protocol; gives the variables by which it is found."""
    pytest.importorskip("gcsfs")
    server = pytest.importorskip("gcp_storage_emulator.server").create_server("127.0.0.1", 0, in_memory=True)
    server._api.daemon = True  # it must not keep the process
    server.start()
    variables = {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{server._api._httpd.server_port}"}
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STORAGE_EMULATOR_HOST", variables["STORAGE_EMULATOR_HOST"])
            fsspec.filesystem("gs").invalidate_cache()
            yield variables
    finally:
        server.stop()


@contextmanager
def gs_server(bundles: Path) -> Iterator[dict[str, str]]:
    """The same, which holds bundles in `gs://models/store`."""
    with empty_gs_server() as variables:
        files = fsspec.filesystem("gs")
        files.mkdir(BUCKET)
        files.put(f"{bundles}/", f"{BUCKET}/store/", recursive=True)
        yield variables


@contextmanager
def hf_server(bundles: Path) -> Iterator[dict[str, str]]:
    with hub_server(bundles) as address:
        yield {"HF_ENDPOINT": address}


SERVERS: dict[str, tuple[str, Callable[[Path], AbstractContextManager[dict[str, str]]]]] = {
    "s3": (f"s3://{BUCKET}/store", s3_server),
    "gs": (f"gs://{BUCKET}/store", gs_server),
    "hf": (f"hf://{REPOSITORY}/store", hf_server),
}
"""By kind: the address of a store, and a server that holds it, which gives the variables by which it is found."""


@contextmanager
def hf_store(bundles: Path) -> Iterator[str]:
    with hub_server(bundles) as address, pytest.MonkeyPatch.context() as patch:
        # What HF_ENDPOINT sets, which is read at the import.
        patch.setattr("huggingface_hub.constants.ENDPOINT", address)
        files = "/{repo_id}/resolve/{revision}/{filename}"
        patch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", address + files)
        yield f"hf://{REPOSITORY}/store"


@contextmanager
def memory_store(bundles: Path) -> Iterator[str]:
    files = fsspec.filesystem("memory")
    files.put(f"{bundles}/", "/store/", recursive=True)
    try:
        yield "memory://store"
    finally:
        MemoryFileSystem.store.clear()
        MemoryFileSystem.pseudo_dirs[:] = [""]


@contextmanager
def store_of(kind: str, bundles: Path) -> Iterator[str]:
    """A store that holds bundles; gives its address."""
    if kind == "s3":
        with _filled_s3(_shared_s3()[1], bundles) as address:
            yield address
    elif kind == "gs":
        with gs_server(bundles):
            yield f"gs://{BUCKET}/store"
    elif kind == "hf":
        with hf_store(bundles) as address:
            yield address
    elif kind == "http":
        with web_server(bundles) as address:
            yield address
    elif kind == "memory":
        with memory_store(bundles) as address:
            yield address
    else:
        yield f"file://{bundles}"


KINDS = ["memory", "file", "http", "s3", "gs", "hf"]
WRITABLE = ["memory", "file", "s3", "gs", "hf"]
