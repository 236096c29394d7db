"""`POST /feedback` and `GET /models/{name}/feedback` of one process."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.feedback import recorder
from service.server.application import create_app
from service.settings import Settings
from tests.service.api.test_predict import assert_problem
from tests.service.conftest import BundleFolder, write_small_bundle

INFER = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": ["good", "bad"]}]}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "VISIBLE_SECONDS", 0.05)


@pytest.fixture
def settings(small: BundleFolder, tmp_path: Path) -> Settings:
    write_small_bundle(small.path.parents[1], version=2, bias=-9.0)
    return Settings(
        models_dir=small.path.parents[1],
        model="small",
        model_version=1,
        request_log=False,
        feedback_file=tmp_path / "feedback.db",
    )


@pytest.fixture
def asked(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def answered(client: TestClient, *texts: str) -> str:
    response = client.post("/predict", json={"text": texts[0]} if len(texts) == 1 else {"texts": texts})
    return str(response.headers["x-request-id"])


def test_a_label_is_joined_with_what_was_said(asked: TestClient) -> None:
    request_id = answered(asked, "bad")
    assert asked.post("/feedback", json={"request_id": request_id, "label": "positive"}).json() == {
        "request_id": request_id,
        "position": 0,
        "label": "positive",
        "prediction": {"label": "negative", "probability": 0.11920292},
        "correct": False,
        "replaced": False,
        "model": {"name": "small", "version": 1},
    }


def test_one_of_several_texts_is_named_by_its_position(asked: TestClient) -> None:
    request_id = answered(asked, "good", "bad", "good film")
    for position, correct in ((0, True), (1, False), (2, True)):
        body = {"request_id": request_id, "position": position, "label": "positive"}
        assert asked.post("/feedback", json=body).json()["correct"] is correct
    [figures] = asked.get("/models/small/feedback").json()["versions"]
    assert figures["confusion"] == [[0, 0], [1, 2]]


def test_the_last_label_counts(asked: TestClient) -> None:
    request_id = answered(asked, "good")
    replaced = [
        asked.post("/feedback", json={"request_id": request_id, "label": label}).json()["replaced"]
        for label in ("negative", "positive", "positive")
    ]
    assert replaced == [False, True, True]
    [figures] = asked.get("/models/small/feedback").json()["versions"]
    assert (figures["texts"], figures["accuracy"]) == (1, 1.0)


def test_a_text_is_answered_by_the_version_asked_for_and_can_be_corrected(asked: TestClient) -> None:
    response = asked.post("/feedback?version=2", json={"text": "good", "label": "positive"})
    told = response.json()
    assert (told["prediction"]["label"], told["model"]["version"]) == ("negative", 2)
    assert told["request_id"] == response.headers["x-request-id"]
    corrected = asked.post("/feedback", json={"request_id": told["request_id"], "label": "negative"}).json()
    assert (corrected["replaced"], corrected["correct"]) == (True, True)


def test_a_text_that_is_sent_again_with_its_id_counts_once(asked: TestClient) -> None:
    for _ in range(2):
        asked.post("/feedback", json={"text": "good", "label": "positive"}, headers={"X-Request-ID": "mine"})
    assert [each["texts"] for each in asked.get("/models/small/feedback").json()["versions"]] == [1]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/models/small/infer", INFER),
        ("/v1/models/small:predict", {"instances": ["good", "bad"]}),
        ("/invocations", {"inputs": ["good", "bad"]}),
        ("/predict", {"inputs": [["good"], ["bad"]]}),
    ],
)
def test_answers_of_every_dialect_are_remembered(asked: TestClient, path: str, body: Any) -> None:
    response = asked.post(path, json=body, headers={"X-Request-ID": "mine"})
    assert response.status_code == 200
    told = asked.post("/feedback", json={"request_id": "mine", "position": 1, "label": "negative"}).json()
    assert told["correct"] is True


def test_an_explained_text_is_remembered(asked: TestClient) -> None:
    asked.post("/explain", json={"text": "bad"}, headers={"X-Request-ID": "why"})
    assert asked.post("/feedback", json={"request_id": "why", "label": "negative"}).json()["correct"] is True


@pytest.mark.parametrize(
    ("body", "status", "slug", "words"),
    [
        ({"request_id": "unknown", "label": "positive"}, 404, "answer-not-found", 'or send the text: {"text":'),
        ({"request_id": "many", "label": "positive"}, 422, "invalid-request", "had 2 texts; add the position of one"),
        ({"request_id": "many", "position": 2, "label": "positive"}, 422, "invalid-request", "counted from 0"),
        ({"request_id": "many", "position": -1, "label": "positive"}, 422, "invalid-request", "position"),
        ({"request_id": "many", "position": 1, "label": "good"}, 422, "invalid-request", "are negative and positive"),
        ({"text": "good", "label": "good"}, 422, "invalid-request", "the labels of small/1 are negative and positive"),
        ({"text": " ", "label": "positive"}, 422, "blank-text", "nothing to judge"),
        ({"text": "good", "version": 9, "label": "positive"}, 404, "model-not-found", "it has 1, 2"),
        ({"text": "good", "request_id": "many", "label": "positive"}, 422, "invalid-request", "not both"),
        ({"label": "positive"}, 422, "invalid-request", "either request_id or text"),
        ({"text": "good"}, 422, "invalid-request", "label"),
        ({"text": "good", "label": 1}, 422, "invalid-request", "label"),
        ({"text": "good", "position": 0, "label": "positive"}, 422, "invalid-request", "goes with request_id"),
        ({"request_id": "many", "version": 1, "label": "positive"}, 422, "invalid-request", "go with text"),
        ({"request_id": "a\nb", "label": "positive"}, 422, "invalid-request", "request_id"),
        ({"request_id": "many", "labels": "positive"}, 422, "invalid-request", "Did you mean label?"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(
    asked: TestClient, body: Any, status: int, slug: str, words: str
) -> None:
    asked.post("/predict", json={"texts": ["good", "bad"]}, headers={"X-Request-ID": "many"})
    assert words in assert_problem(asked.post("/feedback", json=body), status, slug)["detail"]
    assert asked.get("/models/small/feedback").json()["versions"] == []


def test_a_model_in_the_query_goes_with_a_text_only(asked: TestClient) -> None:
    response = asked.post("/feedback?version=2", json={"request_id": answered(asked, "good"), "label": "positive"})
    assert "go with text" in assert_problem(response, 422, "invalid-request")["detail"]


def test_rows_of_files_are_not_remembered(asked: TestClient) -> None:
    headers = {"X-Request-ID": "file", "Content-Type": "text/plain"}
    assert asked.post("/predict/batch", content="good\n", headers=headers).status_code == 200
    response = asked.post("/feedback", json={"request_id": "file", "label": "positive"})
    assert "not of a file (/predict/batch)" in assert_problem(response, 404, "answer-not-found")["detail"]


def test_without_a_file_there_is_no_feedback_and_the_setting_is_named(client: TestClient) -> None:
    for response in (
        client.post("/feedback", json={"text": "good", "label": "positive"}),
        client.get("/models/small/feedback"),
    ):
        assert "SENTIMENT_FEEDBACK_FILE=feedback.db" in assert_problem(response, 409, "feedback-off")["detail"]
    assert client.get("/models").json()["feedback"] is False
    assert "sentiment_feedback_accuracy" not in client.get("/metrics").text


def test_figures_are_in_answers_and_metrics(asked: TestClient) -> None:
    for text, label in (("good", "positive"), ("good", "negative"), ("bad", "negative")):
        asked.post("/feedback", json={"text": text, "label": label})
    told = asked.get("/models/small/feedback").json()
    assert told["name"] == "small"
    assert asked.get("/models").json()["feedback"] is True
    [version] = told["versions"]
    assert version["since"].endswith("Z")
    assert {name: value for name, value in version.items() if name not in ("since", "accuracy_interval")} == {
        "version": 1,
        "texts": 3,
        "accuracy": pytest.approx(2 / 3),
        "labels": ["negative", "positive"],
        "confusion": [[1, 1], [0, 1]],
        "calibration_error": pytest.approx((0.7615942 + 0.1192029) / 3, abs=1e-6),
    }
    assert version["accuracy_interval"] == pytest.approx([0.208, 0.939], abs=1e-3)
    metrics = asked.get("/metrics").text
    assert 'sentiment_feedback_accuracy{model="small",version="1"} 0.66' in metrics
    assert 'sentiment_feedback_calibration_error{model="small",version="1"} 0.29' in metrics
    assert 'sentiment_feedback_texts{answer="positive",label="negative",model="small",version="1"} 1.0' in metrics
    assert asked.get("/models/other/feedback").status_code == 404


def test_feedback_outlives_the_service(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        request_id = answered(client, "good")
    with TestClient(create_app(settings)) as client:
        body = {"request_id": request_id, "label": "positive"}
        assert client.post("/feedback", json=body).json()["correct"] is True


def test_a_locked_database_is_a_503_and_predictions_go_on(asked: TestClient, settings: Settings) -> None:
    request_id = answered(asked, "good")
    assert settings.feedback_file
    other = sqlite3.connect(settings.feedback_file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    response = asked.post("/feedback", json={"request_id": request_id, "label": "positive"})
    assert "database is locked" in assert_problem(response, 503, "feedback-unavailable")["detail"]
    assert response.headers["retry-after"] == "1"
    meanwhile = answered(asked, "bad")
    assert asked.get("/metrics").status_code == 200
    other.execute("ROLLBACK")
    other.close()
    for each in (request_id, meanwhile):
        assert asked.post("/feedback", json={"request_id": each, "label": "positive"}).status_code == 200


def test_a_full_database_is_a_503_and_predictions_go_on(asked: TestClient) -> None:
    state = asked.app.collaborators  # type: ignore[attr-defined]
    database = state.feedback._store._database
    [pages] = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(60):
        response = asked.post(
            "/feedback", json={"text": "good", "label": "positive"}, headers={"X-Request-ID": f"{number:0128}"}
        )
        if response.status_code != 200:
            break
    assert "full" in assert_problem(response, 503, "feedback-unavailable")["detail"]
    assert asked.post("/predict", json={"text": "good"}).status_code == 200


def test_keys_and_quotas_count_as_on_other_routes(settings: Settings, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("shop secret - 1\n")
    with TestClient(create_app(settings.model_copy(update={"api_keys_file": keys}))) as client:
        body = {"text": "good", "label": "positive"}
        for response in (client.post("/feedback", json=body), client.get("/models/small/feedback")):
            assert_problem(response, 401, "unauthorized")
        headers = {"Authorization": "Bearer secret"}
        assert [client.post("/feedback", json=body, headers=headers).status_code for _ in range(2)] == [200, 429]


def test_too_large_a_body_is_refused(settings: Settings) -> None:
    with TestClient(create_app(settings.model_copy(update={"max_body_bytes": 100}))) as client:
        response = client.post("/feedback", json={"text": "good " * 100, "label": "positive"})
        assert_problem(response, 413, "body-too-large")
