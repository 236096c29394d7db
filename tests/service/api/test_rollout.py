"""Labels and splits over HTTP, in every dialect."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.server.application import create_app
from service.settings import Settings
from tests.service.conftest import BundleFolder, write_small_bundle

INFER = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["good"]}]}


@pytest.fixture
def models_dir(small: BundleFolder) -> Path:
    write_small_bundle(small.path.parents[1], version=2, bias=-9.0)
    return small.path.parents[1]


def started(models_dir: Path, **rollout: Any) -> TestClient:
    (models_dir / "small" / "rollout.json").write_text(json.dumps(rollout))
    return TestClient(create_app(Settings(models_dir=models_dir, model="small", request_log=False)))


@pytest.fixture
def labelled(models_dir: Path) -> Iterator[TestClient]:
    with started(models_dir, labels={"stable": 1, "next": 2}, serve="stable") as client:
        yield client


@pytest.fixture
def divided(models_dir: Path) -> Iterator[TestClient]:
    with started(models_dir, labels={"stable": 1, "next": 2}, serve={"stable": 50, "next": 50}) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body", "version"),
    [
        ("/predict", {"text": "good"}, 1),
        ("/predict?version=next", {"text": "good"}, 2),
        ("/predict?version=2", {"text": "good"}, 2),
        ("/predict?model=small&version=stable", {"texts": ["good"]}, 1),
        ("/predict", {"text": "good", "version": "next"}, 2),
        ("/predict?version=next", {"text": "good", "version": "next"}, 2),
        ("/predict/batch?version=next", "good", 2),
        ("/explain", {"text": "good", "version": "next"}, 2),
        ("/v2/models/small/infer", INFER, 1),
        ("/v2/models/small/versions/next/infer", INFER, 2),
        ("/v1/models/small:predict", {"instances": ["good"]}, 1),
        ("/v1/models/small/versions/next:predict", {"instances": ["good"]}, 2),
        ("/v1/models/small/labels/next:predict", {"instances": ["good"]}, 2),
        ("/?version=next", {"inputs": "good"}, 2),
        ("/invocations?version=next", {"inputs": ["good"]}, 2),
        ("/classify", {"input": "good"}, 1),
    ],
)
def test_a_label_stands_wherever_a_version_may_and_the_answer_names_the_version(
    labelled: TestClient, path: str, body: Any, version: int
) -> None:
    if isinstance(body, str):
        response = labelled.post(path, content=body, headers={"Content-Type": "text/plain"})
    else:
        response = labelled.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["x-model"] == f"small/{version}"


def test_metadata_of_other_dialects_takes_labels(labelled: TestClient) -> None:
    [status] = labelled.get("/v1/models/small/labels/next").json()["model_version_status"]
    assert status["version"] == "2"
    assert labelled.get("/v2/models/small/versions/next/ready").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        (
            "/predict?version=nightly",
            {"text": "good"},
            404,
            "has no version nightly; it has 1, 2, stable (1), next (2)",
        ),
        ("/predict", {"text": "good", "version": ""}, 422, "a number from 1 on, or a label"),
        ("/predict", {"text": "good", "version": "2"}, 422, "a number from 1 on, or a label"),
        ("/predict", {"text": "good", "version": 0}, 422, "a number from 1 on, or a label"),
        ("/predict?version=2", {"text": "good", "version": "next"}, 422, "version is 2 in the query and 'next'"),
        ("/predict?model=auto&version=next", {"text": "good"}, 422, "Of which model is version next wanted"),
    ],
)
def test_what_is_no_version_is_told_what_to_type(
    labelled: TestClient, path: str, body: Any, status: int, words: str
) -> None:
    response = labelled.post(path, json=body)
    assert response.status_code == status
    assert words in response.json()["detail"]


def test_models_show_labels_and_shares(labelled: TestClient, models_dir: Path) -> None:
    def told(client: TestClient, path: str) -> list[list[Any]]:
        members = ("version", "version_labels", "share", "default")
        return [[model[name] for name in members] for model in client.get(path).json()["models"]]

    assert told(labelled, "/models") == [[1, ["stable"], 1.0, True], [2, ["next"], 0.0, False]]
    with started(models_dir, serve={"1": 1, "2": 3}) as other:
        assert told(other, "/models/small") == [[1, [], 0.25, False], [2, [], 0.75, True]]


def test_a_rollout_tells_what_is_in_force(divided: TestClient) -> None:
    told = divided.get("/models/small/rollout").json()
    assert len(told.pop("revision")) == 64
    assert told == {
        "labels": {"stable": 1, "next": 2},
        "serve": {"stable": 50, "next": 50},
        "shadow": None,
        "shares": {"1": 0.5, "2": 0.5},
        "refusal": None,
        "missing": [],
        "processes": 1,
        "following": 1,
    }
    assert divided.get("/models/other/rollout").status_code == 404


def test_without_a_file_the_highest_version_answers(models_dir: Path) -> None:
    with TestClient(create_app(Settings(models_dir=models_dir, model="small", request_log=False))) as client:
        told = client.get("/models/small/rollout").json()
    assert (told["labels"], told["serve"], told["shares"], told["revision"]) == ({}, None, {"2": 1.0}, "")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", {"text": "good"}),
        ("/predict?model=small", {"texts": ["good", "bad"]}),
        ("/explain", {"text": "good"}),
        ("/v2/models/small/infer", INFER),
        ("/v1/models/small:predict", {"instances": ["good"]}),
        ("/", {"inputs": "good"}),
        ("/invocations", {"inputs": ["good"]}),
        ("/classify", {"input": "good"}),
    ],
)
def test_a_key_gets_the_same_version_from_every_route(divided: TestClient, path: str, body: Any) -> None:
    def version(key: str, path: str, body: Any) -> str:
        response = divided.post(path, json=body, headers={"X-Sticky-Key": key})
        assert response.status_code == 200
        return str(response.headers["x-model"])

    keys = [f"user-{number}" for number in range(12)]
    versions = [version(key, path, body) for key in keys]
    assert set(versions) == {"small/1", "small/2"}
    assert versions == [version(key, "/predict", {"text": "good"}) for key in keys]


def test_every_answer_and_metric_names_the_version_that_gave_it(divided: TestClient) -> None:
    answers = [divided.post("/predict", json={"text": "good"}) for _ in range(60)]
    counted = Counter(answer.json()["model"]["version"] for answer in answers)
    assert set(counted) == {1, 2}
    for answer in answers:
        body = answer.json()
        assert body["label"] == {1: "positive", 2: "negative"}[body["model"]["version"]]
        assert answer.headers["x-model"] == f"small/{body['model']['version']}"
    metrics = divided.get("/metrics").text
    for version, label in ((1, "positive"), (2, "negative")):
        line = (
            f'sentiment_predictions_total{{label="{label}",model="small",version="{version}"}} {counted[version]:.1f}'
        )
        assert line in metrics
        assert f'sentiment_version_share{{model="small",version="{version}"}} 0.5' in metrics
    assert 'sentiment_version_label{label="next",model="small",version="2"} 1.0' in metrics


def test_a_version_that_fails_to_load_gets_nothing_and_rings(models_dir: Path) -> None:
    with started(models_dir, labels={"next": 2}, serve={"1": 50, "next": 50}) as client:
        assert 'sentiment_rollout_fault{model="small"} 0.0' in client.get("/metrics").text
        state = client.app.collaborators  # type: ignore[attr-defined]
        write_small_bundle(models_dir, version=3).change_manifest(threshold=7)
        (models_dir / "small" / "rollout.json").write_text('{"serve": {"1": 50, "3": 50}}')
        client.portal.call(state.repository.follow)  # type: ignore[union-attr]
        models = {client.post("/predict", json={"text": "good"}).headers["x-model"] for _ in range(30)}
        assert models == {"small/1"}
        told = client.get("/models/small/rollout").json()
        assert (told["missing"], told["shares"], told["following"]) == ([3], {"1": 1.0}, 1)
        assert 'sentiment_rollout_fault{model="small"} 1.0' in client.get("/metrics").text
