"""Text Embeddings Inference: `inputs` at `/predict`, and `/info`."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.server.application import create_app
from service.settings import Settings


def scores(client: TestClient, text: str) -> list[dict[str, Any]]:
    probability = client.post("/predict", json={"text": text}).json()["probability"]
    labels = [{"label": "positive", "score": probability}, {"label": "negative", "score": 1 - probability}]
    return sorted(labels, key=lambda each: -float(each["score"]))


# The requests of TEI's documentation: of its quick tour and of its OpenAPI document.
@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"inputs": "I like you."}, "I like you."),
        ({"inputs": "I like you.", "truncate": False, "raw_scores": False}, "I like you."),
        ({"inputs": ["I like you."], "truncation_direction": "Right"}, "I like you."),
        ({"inputs": [["I like you."], ["I hate pineapples"]]}, ["I like you.", "I hate pineapples"]),
        ({"raw_scores": False, "inputs": [["I like you."]], "truncate": True}, ["I like you."]),
    ],
)
def test_the_requests_of_the_documentation_are_answered_as_it_says(
    client: TestClient, body: dict[str, Any], texts: str | list[str]
) -> None:
    answer = client.post("/predict", json=body).json()
    assert answer == (scores(client, texts) if isinstance(texts, str) else [scores(client, text) for text in texts])


def test_the_most_probable_label_comes_first(client: TestClient) -> None:
    for text, label in (("good", "positive"), ("bad", "negative")):
        assert client.post("/predict", json={"inputs": text}).json()[0]["label"] == label


def test_the_query_chooses_the_model(two_languages: Settings) -> None:
    with TestClient(create_app(two_languages)) as client:
        first, _ = client.post("/predict?model=small-korean", json={"inputs": "좋다"}).json()
        assert (first["label"], round(first["score"], 3)) == ("positive", 0.881)
        assert client.get("/info?model=small-korean").json()["model_id"] == "small-korean"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"inputs": [["good"], [" "]]}, 422, "inputs[1]: The text is blank"),
        ({"inputs": " "}, 422, "inputs: The text is blank"),
        ({"inputs": ["good", "bad"]}, 422, "inputs has 2 texts and should have one (pairs are for models that compare"),
        ({"inputs": [["good"], ["good", "bad"]]}, 422, "inputs[1] has 2 texts"),
        ({"inputs": []}, 422, "inputs has 0 texts"),
        ({"inputs": 7}, 422, "inputs"),
        ({"inputs": "good", "raw_scores": True}, 422, "raw_scores: there are probabilities alone; leave it out"),
        ({"inputs": "good", "raw_scores": 0}, 422, "raw_scores"),
        ({"inputs": [["good"]] * 6}, 422, "There are 6 texts"),
    ],
)
def test_errors_have_the_shape_of_tei(client: TestClient, body: dict[str, Any], status: int, message: str) -> None:
    answer = client.post("/predict", json=body)
    assert answer.status_code == status
    assert message in answer.json()["error"]
    assert answer.json()["error_type"] == "Validation"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "body", [{"text": "good", "inputs": "good"}, {"texts": ["good"], "inputs": "good"}, {"txt": "good"}, ["good"], "x"]
)
def test_other_requests_keep_their_problems(client: TestClient, body: Any) -> None:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_info_names_the_labels_and_the_limits(client: TestClient) -> None:
    info = client.get("/info").json()
    assert info["model_type"] == {
        "classifier": {"id2label": {"0": "negative", "1": "positive"}, "label2id": {"negative": 0, "positive": 1}}
    }
    assert (info["model_id"], info["max_client_batch_size"], info["max_input_length"]) == ("small", 5, 8)
    assert set(client.get("/info?model=other").json()) == {"error", "error_type"}
