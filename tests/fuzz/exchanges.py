"""Requests as bytes on a connection: an answer of HTTP that is no 500, or the end of the connection, and no bug."""

import asyncio
import json
import logging
import re
import socket
import tempfile
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from service.api.routes import OPERATIONS
from service.server.application import create_app
from service.server.processes import GracefulServer, _config
from service.settings import Settings
from tests.service.conftest import write_korean_bundle, write_small_bundle

SECONDS = 10
_PATHS = sorted({operation.path for operation in OPERATIONS} | {"/", "/docs", "/openapi.json"})
_TYPES = [
    *("application/json", "application/json; charset=utf-8", "application/json; charset*99999999*=x", "text/csv"),
    *("application/x-ndjson", "text/plain; charset=utf-16", "text/tab-separated-values", "application/jsonlines", ""),
    *("multipart/form-data; boundary=b", "multipart/form-data; boundary*99999999*=b", "multipart/form-data", "a/b;;="),
]
_HEADERS = [
    *("Content-Encoding: gzip", "Content-Encoding: br", "Expect: 100-continue", "Prefer: wait", "Via: 1.1 a"),
    *(
        "X-Request-Timeout: 1e9",
        "X-Request-Timeout: 0.5",
        "Inference-Header-Content-Length: 5",
        "Accept-Encoding: gzip",
    ),
    *("Inference-Header-Content-Length: 0", "Authorization: Bearer \xff", "traceparent: 00-0", "Connection: close"),
    *("X-Forwarded-For: ::1", "X-Forwarded-Host: a, b", "Origin: http://localhost", "If-None-Match: *", "Host: [::1]"),
    *("X-Request-ID: \xe9", "Transfer-Encoding: identity", "Content-Length: -1", "Upgrade: h2c", ": a", "a : b"),
]
_QUERIES = [
    *(
        "model=auto",
        "model=small",
        "version=1",
        "version=9999999999",
        "model=%ff",
        "column=%00",
        "header=none",
        "wait=true",
    ),
    *(
        "encoding=utf-16",
        "encoding=rot13",
        "quote=none",
        "fields=label",
        "line=7",
        "prefix=%0a",
        "delimiter=tab",
        "&&=",
        "%",
    ),
]
_BODIES = [
    *(
        b'{"text":"good film"}',
        b'{"texts":["good","bad"]}',
        b'{"instances":["good",{"b64":"Z29vZA=="}]}',
        b"",
        b"{",
        b"[" * 99,
    ),
    *(
        b'{"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"data":["good"]}]}',
        b'{"inputs":"good"}',
        b"text\ngood\n",
    ),
    *(b'{"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":8}}]}\4\0\0\0good',),
    *(
        b"--b\r\nContent-Disposition: form-data; name=f; filename=a.csv\r\n\r\ntext\ngood\r\n--b--\r\n",
        b'{"text":"\\ud800"}',
    ),
    *(
        b'{"input":["good"],"model":"small"}',
        b'{"dataframe_split":{"columns":["text"],"data":[["good"],[1]]}}',
        b"\x1f\x8b\x08",
    ),
]

_json = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "texts", "inputs", "model", "version", "parameters", "filter"]), inner
        )
    ),
    max_leaves=6,
).map(lambda value: json.dumps(value).encode())
_address = st.builds(
    lambda path, names, queries: (
        re.sub(r"{(\w+)}", lambda _: names.pop() if names else "small", path)
        + ("?" + "&".join(queries) if queries else "")
    ),
    st.sampled_from(_PATHS),
    st.lists(st.sampled_from(["small", "small-korean", "1", "0", "a", "%ff", ".", "..", "%2f", "a" * 300]), max_size=2),
    st.lists(st.sampled_from(_QUERIES), max_size=3),
)


def _written(
    method: str, address: str, version: str, content_type: str, headers: list[str], body: bytes, framing: str
) -> bytes:
    fields = [f"Content-Type: {content_type}", *headers]
    if framing == "chunks":
        fields.append("Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:]) if part) + b"0\r\n\r\n"
    elif framing != "none":
        fields.append(f"Content-Length: {len(body) + (framing == 'more') - (framing == 'less')}")
    head = f"{method} {address} HTTP/{version}\r\nHost: localhost\r\n" + "".join(f"{field}\r\n" for field in fields)
    return head.encode("latin-1") + b"\r\n" + body


requests = st.builds(
    _written,
    st.sampled_from(["POST", "POST", "POST", "GET", "HEAD", "OPTIONS", "PUT", "get", "PRI"]),
    _address,
    st.sampled_from(["1.1", "1.1", "1.1", "1.0", "2.0", "0.9"]),
    st.sampled_from(_TYPES),
    st.lists(st.sampled_from(_HEADERS), max_size=3),
    st.sampled_from(_BODIES) | _json | st.binary(max_size=40),
    st.sampled_from(["length", "length", "length", "chunks", "more", "less", "none"]),
)


class _Bugs(logging.Handler):
    """Keeps what is logged with a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.found.append(logging.Formatter().format(record))


_bugs = _Bugs()


@cache
def _service() -> tuple[str, int]:
    """Run the service on a thread for as long as the process lives, and give its address."""
    models_dir = Path(tempfile.mkdtemp(prefix="fuzz-models-"))
    write_small_bundle(models_dir)
    write_korean_bundle(models_dir)
    settings = Settings(
        models_dir=models_dir,
        model="small",
        port=0,
        body_seconds=0.3,
        header_seconds=0.3,
        stream_idle_seconds=0.3,
        request_log=False,
        max_texts=5,
        max_body_bytes=2_000,
    )
    for name in ("", "service", "uvicorn.error", "asyncio"):
        logging.getLogger(name).addHandler(_bugs)
    server = GracefulServer(_config(settings, create_app(settings)))
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=asyncio.run, args=(server.serve([listening]),), daemon=True).start()
    host, port = listening.getsockname()
    return host, port


@given(
    st.lists(requests, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), max_size=2),
)
def exchanges(sent: list[bytes], changes: list[tuple[int, bytes]]) -> None:
    """Send some requests, perhaps damaged, and read all that comes back."""
    data = bytearray(b"".join(sent))
    for place, new in changes:
        data[place : place + len(new)] = new
    with socket.create_connection(_service(), SECONDS) as connection:
        received = b""
        try:
            connection.sendall(data)
            with suppress(OSError):  # the service has closed the connection already
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                received += part
        except ConnectionError:
            pass
    assert not _bugs.found, _bugs.found.pop()
    assert not received or received.startswith(b"HTTP/1.1 ")
    assert not re.search(rb"HTTP/1\.1 500 ", received), received
