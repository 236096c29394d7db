"""One service, models of two languages: who answers what."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.server.application import create_app
from service.settings import Settings
from tests.service.api.test_predict import assert_problem
from tests.service.conftest import write_korean_bundle, write_small_bundle

ENGLISH, KOREAN = {"name": "small", "version": 1}, {"name": "small-korean", "version": 1}
GOOD, BAD = pytest.approx(0.880797, abs=1e-6), pytest.approx(0.119203, abs=1e-6)


@pytest.fixture
def both(two_languages: Settings) -> Iterator[TestClient]:
    """With the English model as the default."""
    with TestClient(create_app(two_languages), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def auto(two_languages: Settings) -> Iterator[TestClient]:
    """With the model of each text's script as the default."""
    settings = two_languages.model_copy(update={"model": "auto"})
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def predict(client: TestClient, path: str = "/predict", **body: Any) -> dict[str, Any]:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("asked", [{"path": "/predict?model=small-korean"}, {"model": "small-korean"}])
def test_a_model_is_asked_for_by_query_or_body(both: TestClient, asked: dict[str, str]) -> None:
    assert predict(both, text="좋다", **asked) == {
        "label": "positive",
        "probability": GOOD,
        "words": 2,
        "known_words": 2,
        "truncated": False,
        "model": KOREAN,
    }


def test_without_one_the_default_answers_whatever_the_script(both: TestClient) -> None:
    assert predict(both, text="good")["model"] == ENGLISH
    assert predict(both, text="좋다")["model"] == ENGLISH
    assert both.get("/health").json()["model"] == ENGLISH
    many = predict(both, texts=["good", "좋다"])
    assert many["model"] == ENGLISH
    assert all("model" not in prediction for prediction in many["predictions"])


@pytest.mark.parametrize(
    ("model", "text", "words", "known"),
    [("small", "좋다 좋다", 2, 0), ("small-korean", "A good film", 9, 0), ("small-korean", "나쁘다 ㅎㅎ", 5, 3)],
)
def test_a_text_of_another_language_is_answered_with_how_little_is_known(
    both: TestClient, model: str, text: str, words: int, known: int
) -> None:
    answer = predict(both, text=text, model=model)
    assert (answer["words"], answer["known_words"]) == (words, known)


def test_query_and_body_may_say_the_same_but_not_otherwise(both: TestClient) -> None:
    same = predict(both, "/predict?model=small-korean&version=1", text="좋다", model="small-korean", version=1)
    assert same["model"] == KOREAN
    for query in ("model=small", "version=2&model=small-korean"):
        response = both.post(f"/predict?{query}", json={"text": "좋다", "model": "small-korean", "version": 1})
        problem = assert_problem(response, 422, "invalid-request")
        assert "in the query" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"model": "other"}, 404, "model-not-found"),
        ({"model": "small", "version": 2}, 404, "model-not-found"),
        ({"model": ""}, 422, "invalid-request"),
        ({"model": 3}, 422, "invalid-request"),
        ({"version": 0}, 422, "invalid-request"),
        ({"version": "1"}, 422, "invalid-request"),
        ({"version": 10**20}, 422, "invalid-request"),
        ({"model": "auto", "version": 1}, 422, "invalid-request"),
    ],
)
@pytest.mark.parametrize("route", ["/predict", "/explain", "/layers"])
def test_a_model_that_is_not_there_is_a_problem(
    both: TestClient, route: str, body: dict[str, Any], status: int, slug: str
) -> None:
    assert_problem(both.post(route, json={"text": "good", **body}), status, slug)


def test_null_is_as_if_nothing_was_said(both: TestClient) -> None:
    assert predict(both, text="good", model=None, version=None)["model"] == ENGLISH


@pytest.mark.parametrize(
    ("text", "model"), [("good", ENGLISH), ("좋다", KOREAN), ("film 좋다", KOREAN), ("10/10", ENGLISH)]
)
def test_auto_picks_by_script_and_says_which(both: TestClient, auto: TestClient, text: str, model: Any) -> None:
    assert predict(auto, text=text)["model"] == model
    assert predict(both, text=text, model="auto")["model"] == model
    assert predict(both, "/predict?model=auto", text=text)["model"] == model


def test_under_auto_each_of_several_texts_has_its_own_model(auto: TestClient) -> None:
    body = predict(auto, texts=["good", "좋다", "bad", "나쁘다", "10/10"])
    assert [p["probability"] for p in body["predictions"]] == [GOOD, GOOD, BAD, BAD, 0.5]
    assert [p["model"] for p in body["predictions"]] == [ENGLISH, KOREAN, ENGLISH, KOREAN, ENGLISH]
    assert body["model"] is None
    assert predict(auto, texts=["좋다", "나쁘다"])["model"] == KOREAN


def test_under_auto_a_model_can_be_asked_for(auto: TestClient) -> None:
    assert predict(auto, text="good", model="small-korean")["model"] == KOREAN
    assert predict(auto, "/predict?model=small&version=1", texts=["좋다"])["model"] == ENGLISH


def test_under_auto_a_version_needs_a_name(auto: TestClient) -> None:
    assert (
        "Name it"
        in assert_problem(auto.post("/predict?version=1", json={"text": "good"}), 422, "invalid-request")["detail"]
    )


FILES = {
    "application/x-ndjson": '{"text":"good"}\n"좋다"\n""\n',
    "text/csv": 'text\ngood\n좋다\n""\n',
    "text/plain": "good\n좋다\n\0\n",
}


@pytest.mark.parametrize("media_type", FILES)
def test_under_auto_each_record_of_a_file_says_its_model(auto: TestClient, both: TestClient, media_type: str) -> None:
    headers, content = {"content-type": media_type}, FILES[media_type].encode()
    answer = auto.post("/predict/batch", content=content, headers=headers)
    assert answer.status_code == 200
    if media_type == "text/csv":
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert list(rows[0]) == ["text", "label", "probability", "model", "error"]
        assert [(row["model"], bool(row["error"])) for row in rows] == [
            ("small/1", False),
            ("small-korean/1", False),
            ("", True),
        ]
    else:
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [line.get("model") for line in lines] == [ENGLISH, KOREAN, None, None]
        assert "error" in lines[2]
    assert both.post("/predict/batch?model=auto", content=content, headers=headers).text == answer.text
    named = both.post("/predict/batch?model=small-korean", content=content, headers=headers)
    assert "model" not in named.text


def test_an_object_that_has_a_model_needs_a_prefix_under_auto_only(auto: TestClient, both: TestClient) -> None:
    headers, content = {"content-type": "application/x-ndjson"}, b'{"text":"good","model":"T"}\n'
    assert b'"model":"T","label"' in both.post("/predict/batch", content=content, headers=headers).content
    assert b"'model' already" in auto.post("/predict/batch", content=content, headers=headers).content
    prefixed = auto.post("/predict/batch?prefix=its_", content=content, headers=headers)
    assert b'"its_model":{"name":"small","version":1}' in prefixed.content


def test_explanations_of_characters_are_of_words(both: TestClient, auto: TestClient) -> None:
    body = predict(both, "/explain", text="좋다 영화 나쁘다ㅋㅋ 뷁", model="small-korean")
    assert [(word["word"], word["known"]) for word in body["words"]] == [
        ("좋다", True),
        ("영화", True),
        ("나쁘다ㅋㅋ", True),
        ("뷁", False),
    ]
    assert [word["contribution"] for word in body["words"]] == pytest.approx([2, 0, -2, 0], abs=1e-5)
    assert body["model"] == KOREAN
    assert predict(auto, "/explain", text="좋다")["model"] == KOREAN
    assert predict(auto, "/explain", text="good")["model"] == ENGLISH


def test_models_tell_their_language_and_what_they_count(both: TestClient) -> None:
    models = both.get("/models").json()["models"]
    told = [(m["name"], m["language"], m["counts"], m["default"]) for m in models]
    assert told == [("small", "en", "words", True), ("small-korean", "ko", "characters", False)]
    assert both.get("/models/small-korean").json()["models"] == models[1:]


def test_the_open_inference_protocol_knows_both(both: TestClient) -> None:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["좋다"]}
    for name, label in (("small-korean", 0.880797), ("small", 0.5)):
        answer = both.post(f"/v2/models/{name}/infer", json={"inputs": [tensor]}).json()
        assert answer["model_name"] == name
        assert answer["outputs"][1]["data"] == pytest.approx([label], abs=1e-6)
    assert both.get("/v2/models/auto").status_code == 404


def test_metrics_name_the_model_that_answered(auto: TestClient) -> None:
    predict(auto, texts=["good", "좋다", "나쁘다"])
    exposed = auto.get("/metrics").text
    assert 'sentiment_predictions_total{label="positive",model="small",version="1"} 1.0' in exposed
    assert 'sentiment_predictions_total{label="negative",model="small-korean",version="1"} 1.0' in exposed
    assert 'sentiment_words_total{model="small-korean",version="1"} 5.0' in exposed
    assert 'sentiment_model_info{default="true",model="small",precision="float32",version="1"} 1.0' in exposed


def test_a_language_without_a_model_is_answered_by_the_first(two_languages: Settings) -> None:
    settings = Settings(models_dir=two_languages.models_dir, model="small-korean", request_log=False)
    with TestClient(create_app(settings)) as client:
        assert predict(client, text="good", model="auto")["model"] == ENGLISH
        assert predict(client, text="映画", model="auto")["model"] == KOREAN
        assert predict(client, text="映画")["model"] == KOREAN


def test_the_newest_version_of_a_language_answers(two_languages: Settings) -> None:
    write_small_bundle(two_languages.models_dir, version=2)
    write_korean_bundle(two_languages.models_dir, version=10)
    with TestClient(create_app(two_languages.model_copy(update={"model": "auto"}))) as client:
        body = predict(client, texts=["good", "좋다"])
        assert [p["model"]["version"] for p in body["predictions"]] == [2, 10]
