"""What every request meets, whatever its route."""

import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.api.health import HEALTH_ROUTES
from service.api.openapi import openapi_document
from service.api.routes import OPERATIONS
from service.inference.predictor import Predictor
from service.server.application import create_app
from service.settings import Settings, SettingsError
from tests.service.api.test_predict import assert_problem
from tests.service.conftest import BundleFolder

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


@contextmanager
def serving(small: BundleFolder, **settings: Any) -> Iterator[TestClient]:
    all_settings = Settings(models_dir=small.path.parents[1], model="small", log_format="json", **settings)
    with TestClient(create_app(all_settings), raise_server_exceptions=False) as client:
        yield client


def predict(client: TestClient, text: str = "good", **headers: str) -> Any:
    return client.post("/predict", json={"text": text}, headers=headers)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Inference waits for this event."""
    gate = threading.Event()
    run = Predictor.compute
    monkeypatch.setattr(Predictor, "compute", lambda *args: (gate.wait(5), run(*args))[1])
    monkeypatch.setattr(Predictor, "seconds", lambda *_: inf)
    yield gate
    gate.set()


# Ids


def test_a_request_id_comes_back(client: TestClient) -> None:
    assert predict(client, **{"X-Request-ID": "order-66"}).headers["x-request-id"] == "order-66"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "ü"])
def test_an_id_that_is_none_is_replaced(client: TestClient, given: str) -> None:
    response = client.get("/health", headers={"X-Request-ID": given.encode()})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


def test_every_answer_has_an_id_of_its_own(client: TestClient) -> None:
    paths = ["/health", "/nothing", "/models", "/predict", "/openapi.json", "/metrics"]
    ids = [client.get(path).headers["x-request-id"] for path in paths]
    assert len(set(ids)) == len(paths)


def test_the_trace_is_carried_through(client: TestClient) -> None:
    assert predict(client, traceparent=TRACEPARENT).headers["traceparent"] == TRACEPARENT
    assert "traceparent" not in predict(client, traceparent="nonsense").headers


# Keys


KEYED = {"api_keys": "first-key, second-key"}


def test_without_a_key_nothing_but_health_answers(small: BundleFolder) -> None:
    with serving(small, **KEYED) as client:
        paths = openapi_document({}, OPERATIONS)["paths"]
        answers = {
            path: client.request(method, path.replace("{", "").replace("}", ""))
            for path, methods in paths.items()
            for method in methods
        }
        for path in ("/", "/page/main.js", "/page/nothing", "/docs", "/docs/swagger-ui.css", "/openapi.json"):
            assert client.get(path).status_code != 401  # they ask for the key, or say how to send it
        for path in ("/page", "/docsx", "/nothing", "/health/", "/health/live/x"):
            answers[path] = client.get(path)
    open_paths = {path for path, answer in answers.items() if answer.status_code != 401}
    assert open_paths == HEALTH_ROUTES & paths.keys()
    for path in answers.keys() - open_paths:
        assert answers[path].headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer first-key", "bearer second-key", "BEARER  second-key "])
def test_each_key_opens(small: BundleFolder, header: str) -> None:
    with serving(small, **KEYED) as client:
        assert predict(client, Authorization=header).status_code == 200


def test_a_key_may_come_in_a_header_of_its_own(small: BundleFolder) -> None:
    with serving(small, **KEYED) as client:
        assert predict(client, **{"X-API-Key": "second-key"}).status_code == 200
        assert predict(client, **{"X-API-Key": "wrong-key"}).status_code == 401
        assert predict(client, **{"X-API-Key": "second-key", "Authorization": "Bearer wrong-key"}).status_code == 401


@pytest.mark.parametrize(
    "header", ["first-key", "Basic first-key", "Bearer", "Bearer ", "Bearer first-ke", "Bearer first-key, second-key"]
)
def test_anything_else_does_not(small: BundleFolder, header: str) -> None:
    with serving(small, **KEYED) as client:
        body = assert_problem(predict(client, Authorization=header), 401, "unauthorized")
    assert "first-key" not in json.dumps(body)


def test_keys_come_from_a_file_too(small: BundleFolder, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("# of the shop\nshop-key\n\n  lab-key  \n")
    with serving(small, api_keys_file=keys) as client:
        statuses = [predict(client, Authorization=f"Bearer {k}").status_code for k in ("shop-key", "lab-key", "# of")]
    assert statuses == [200, 200, 401]


@pytest.mark.parametrize("settings", [{"api_keys": " , "}, {"api_keys_file": "missing"}])
def test_keys_that_are_asked_for_and_not_there_stop_the_start(small: BundleFolder, settings: dict[str, str]) -> None:
    with pytest.raises(SettingsError), serving(small, **settings):
        pass


# Time


def test_a_request_is_given_up_when_the_time_it_allows_is_over(client: TestClient, gate: threading.Event) -> None:
    body = assert_problem(predict(client, **{"X-Request-Timeout": "0.05"}), 504, "deadline")
    gate.set()
    assert "0.05 seconds" in body["detail"]


def test_nobody_gets_more_time_than_the_setting_allows(small: BundleFolder, gate: threading.Event) -> None:
    with serving(small, timeout_seconds=0.05) as client:
        assert_problem(predict(client, **{"X-Request-Timeout": "60"}), 504, "deadline")
        assert_problem(predict(client), 504, "deadline")
        gate.set()


@pytest.mark.parametrize("given", ["soon", "0", "-1", "nan", "inf", "1e3", "1" * 30, "1,5", ""])
def test_a_time_that_is_none_is_refused(client: TestClient, given: str) -> None:
    body = assert_problem(predict(client, **{"X-Request-Timeout": given}), 422, "invalid-request")
    assert body["pointer"] == "X-Request-Timeout"


# Load


def test_more_requests_than_may_be_in_work_are_refused_and_health_answers(
    small: BundleFolder, gate: threading.Event
) -> None:
    with serving(small, max_requests=2) as client:
        answers: list[int] = []
        waiting = [threading.Thread(target=lambda: answers.append(predict(client).status_code)) for _ in range(2)]
        for thread in waiting:
            thread.start()
        metrics = client.app.collaborators.metrics  # type: ignore[attr-defined]
        while metrics.in_progress < 2:
            time.sleep(0.01)
        refused = predict(client)
        assert_problem(refused, 503, "overloaded")
        assert refused.headers["retry-after"] == "1"
        assert client.get("/models").status_code == 503
        for path in ("/health", "/health/live", "/health/ready", "/metrics"):
            assert client.get(path).status_code == 200
        gate.set()
        for thread in waiting:
            thread.join(10)
        assert answers == [200, 200]
        assert predict(client).status_code == 200


def test_headers_beyond_the_limit_are_refused(small: BundleFolder) -> None:
    with serving(small, max_header_bytes=1_000) as client:
        assert_problem(predict(client, **{"X-Long": "x" * 1_000}), 431, "headers-too-large")
        assert_problem(client.get(f"/health?{'x' * 1_000}"), 431, "headers-too-large")


# Bugs


def test_a_bug_is_an_internal_problem_with_an_id_and_its_reason_is_in_the_log(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Predictor, "compute", lambda *_: 1 / 0)
    response = predict(client, **{"X-Request-ID": "unlucky"})
    body = assert_problem(response, 500, "internal")
    assert "division" not in json.dumps(body)
    assert response.headers["x-request-id"] == "unlucky"
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError
    assert vars(record)["request_id"] == "unlucky"


# The log


def request_lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"message":"request"' in line]


def test_each_request_has_a_line_that_never_holds_its_text(
    small: BundleFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(small) as client:
        predict(client, "a secret good film", **{"X-Request-ID": "one", "traceparent": TRACEPARENT})
        client.post("/predict?model=small", json={"texts": ["secret", "good"]})
        client.post("/predict", content=b"secret", headers={"content-type": "text/plain"})
    lines = request_lines(capfd)
    assert [(line["path"], line["status"], line.get("texts")) for line in lines] == [
        ("/predict", 200, 1),
        ("/predict", 200, 2),
        ("/predict", 415, None),
    ]
    assert lines[0]["request_id"] == "one"
    assert lines[0]["trace_id"] == TRACE_ID
    assert lines[0]["method"] == "POST"
    assert lines[0]["milliseconds"] > 0
    assert "secret" not in json.dumps(lines)


def test_the_log_never_holds_a_key(small: BundleFolder, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(small, **KEYED) as client:
        predict(client, Authorization="Bearer first-key")
        predict(client, Authorization="Bearer wrong-key")
    err = capfd.readouterr().err
    assert '"status":200' in err
    assert '"status":401' in err
    assert "-key" not in err


def test_requests_are_not_logged_when_they_should_not_be(
    small: BundleFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(small, request_log=False) as client:
        predict(client)
    assert request_lines(capfd) == []


# Browsers


def test_pages_of_other_origins_get_nothing_unless_set(small: BundleFolder) -> None:
    origin = {"Origin": "https://shop.example"}
    with serving(small) as client:
        assert "access-control-allow-origin" not in client.get("/health", headers=origin).headers
    with serving(small, cors_origins="https://shop.example", **KEYED) as client:
        preflight = client.options(
            "/predict",
            headers={
                **origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization",
            },
        )
        assert preflight.status_code == 200
        answer = predict(client, **origin, Authorization="Bearer first-key")
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        other = predict(client, Origin="https://other.example", Authorization="Bearer first-key")
        assert "access-control-allow-origin" not in other.headers


# What every answer has


@pytest.mark.parametrize("path", ["/", "/docs", "/health", "/models", "/nothing", "/openapi.json", "/page/main.js"])
def test_every_answer_is_what_its_media_type_says_and_runs_nothing_of_others(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get_list("content-security-policy")[0].startswith("default-src 'none'")
    assert len(answer.headers.get_list("content-security-policy")) == 1


@pytest.mark.parametrize("path", ["/", "/docs", "/health", "/models", "/metrics", "/problems", "/openapi.json", "/v2"])
def test_head_is_answered_wherever_get_is_without_a_body(client: TestClient, path: str) -> None:
    got, headed = client.get(path), client.head(path)
    assert headed.status_code == got.status_code == 200
    assert headed.content == b""
    assert headed.headers["content-type"] == got.headers["content-type"]
