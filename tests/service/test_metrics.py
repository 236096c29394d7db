"""What `/metrics` says of requests that were really made."""

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from service.api.state import State
from service.metrics import Metrics, ModelStatistics

MODEL = {"model": "small", "version": "1"}


def samples(client: TestClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def value(client: TestClient, name: str, **labels: str) -> float:
    return samples(client)[name, frozenset(labels.items())]


def test_requests_are_counted_by_route_and_status(client: TestClient) -> None:
    for text in ("good", "bad", " "):
        client.post("/predict", json={"text": text})
    client.get("/models/small")
    client.get("/models/other")
    client.get("/predict")
    counted = {
        tuple(labels[name] for name in ("method", "route", "status")): count
        for (name, pairs), count in samples(client).items()
        if name == "http_requests_total" and (labels := dict(pairs))
    }
    assert counted == {
        ("POST", "/predict", "200"): 2,
        ("POST", "/predict", "422"): 1,
        ("GET", "/models/{name}", "200"): 1,
        ("GET", "/models/{name}", "404"): 1,
        ("GET", "/predict", "405"): 1,
    }
    assert value(client, "http_request_duration_seconds_count", route="/predict") == 4


def test_strange_paths_and_methods_make_no_new_series(client: TestClient) -> None:
    for number in range(5):
        client.get(f"/nothing/{number}")
        client.request(f"METHOD{number}", "/predict")
        client.get(f"/problems/{number}")
    routes = {(dict(p)["method"], dict(p)["route"]) for (n, p) in samples(client) if n == "http_requests_total"}
    assert routes == {("GET", "none"), ("other", "/predict"), ("GET", "/problems/{slug}")}


def test_labels_words_and_unknown_words_are_counted(client: TestClient) -> None:
    client.post("/predict", json={"texts": ["good film", "bad", "rare never heard good"]})
    assert value(client, "sentiment_predictions_total", **MODEL, label="positive") == 2
    assert value(client, "sentiment_predictions_total", **MODEL, label="negative") == 1
    assert value(client, "sentiment_words_total", **MODEL) == 7
    assert value(client, "sentiment_unknown_words_total", **MODEL) == 3


def test_stages_are_timed_apart_and_batches_are_sized(client: TestClient) -> None:
    client.post("/predict", json={"texts": ["good", "bad"]})
    for stage in ("queue", "tokenization", "inference"):
        assert value(client, "sentiment_stage_seconds_count", **MODEL, stage=stage) == 1
        assert value(client, "sentiment_stage_seconds_sum", **MODEL, stage=stage) > 0
    assert value(client, "sentiment_batch_texts_sum", **MODEL) == 2


def test_refusals_because_of_load_are_counted_by_reason(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    state: State = client.app.collaborators  # type: ignore[attr-defined]
    monkeypatch.setattr(state.classifier._backlog, "texts", 10_000)
    assert client.post("/predict", json={"text": "good"}).status_code == 503
    assert value(client, "sentiment_rejected_requests_total", reason="overloaded") == 1


def test_the_loaded_models_are_named(client: TestClient) -> None:
    assert value(client, "sentiment_model_info", **MODEL, precision="float32", default="true") == 1


def test_statistics_of_a_model_are_sums_of_its_metrics(client: TestClient) -> None:
    client.post("/predict", json={"texts": ["good", "bad"]})
    client.post("/predict", json={"text": "good"})
    metrics: Metrics = client.app.collaborators.metrics  # type: ignore[attr-defined]
    statistics = metrics.model_statistics("small", 1)
    assert (statistics.inference_count, statistics.execution_count, statistics.queue_count) == (3, 2, 2)
    assert statistics.inference_ns > 0
    assert statistics.last_inference_ms > 1.7e12
    assert metrics.model_statistics("other", 1) == ModelStatistics(*[0] * 10)
