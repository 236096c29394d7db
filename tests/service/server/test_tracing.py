"""Traces, as a collector gets them."""

import builtins
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.models.fleet import Fleet
from service.server.application import check_settings, create_app
from service.settings import Settings, SettingsError
from tests.service.conftest import BundleFolder

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bytes]]]:
    """Path and body of what a collector was sent."""
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield received
        server.shutdown()


def test_each_request_is_a_span_of_the_callers_trace(small: BundleFolder, received: list[tuple[str, bytes]]) -> None:
    settings = Settings(models_dir=small.path.parents[1], model="small", tracing=True)
    with TestClient(create_app(settings)) as client:
        client.post("/predict", json={"text": "good"}, headers={"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"})
    [(path, body)] = received
    assert path == "/v1/traces"
    assert bytes.fromhex(TRACE_ID) in body
    assert b"POST /predict" in body
    assert b"sentiment" in body


def test_without_the_packages_the_start_says_what_to_install(
    small: BundleFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("opentelemetry.exporter")]:
        monkeypatch.delitem(sys.modules, name)
    import_ = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.startswith("opentelemetry.exporter"):
            raise ImportError(name)
        return import_(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    settings = Settings(models_dir=small.path.parents[1], model="small", tracing=True)
    with pytest.raises(SettingsError, match=r"\[tracing\]"):
        create_app(settings)
    with pytest.raises(SettingsError, match=r"\[tracing\]"):
        check_settings(settings, Fleet.private())
