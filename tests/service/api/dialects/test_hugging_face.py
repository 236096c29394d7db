"""Hugging Face's text classification at `POST /`."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.server.application import create_app
from service.settings import Settings


def test_one_text_gets_its_labels_the_most_probable_first(client: TestClient) -> None:
    probability = client.post("/predict", json={"text": "bad"}).json()["probability"]
    [[first, second]] = client.post("/", json={"inputs": "bad", "parameters": {}}).json()
    assert first == {"label": "negative", "score": 1 - probability}
    assert second == {"label": "positive", "score": probability}


def test_several_texts_are_answered_in_order_with_as_many_labels_as_asked_for(client: TestClient) -> None:
    body = {"inputs": ["good", "bad"], "parameters": {"top_k": 1, "function_to_apply": "softmax"}}
    answer = client.post("/", json=body).json()
    assert [[score["label"] for score in scores] for scores in answer] == [["positive"], ["negative"]]


def test_the_query_chooses_the_model(two_languages: Settings) -> None:
    with TestClient(create_app(two_languages)) as client:
        [[first, _]] = client.post("/?model=small-korean", json={"inputs": "좋다"}).json()
    assert (first["label"], round(first["score"], 3)) == ("positive", 0.881)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"inputs": ["good", " "]}, "inputs[1]: The text is blank"),
        ({"inputs": {"text": "good"}}, "inputs"),
        ({"text": "good"}, "inputs"),
        ({"inputs": "good", "parameters": {"top_k": 0}}, "parameters/top_k"),
        ({"inputs": "good", "parameters": {"top_k": True}}, "parameters/top_k: Input should be a valid integer"),
        ({"inputs": "good", "parameters": {"top_k": "1"}}, "parameters/top_k: Input should be a valid integer"),
        ({"inputs": "good", "parameters": {"top": 1}}, "parameters/top"),
    ],
)
def test_errors_are_an_object_with_a_message(client: TestClient, body: dict[str, Any], message: str) -> None:
    answer = client.post("/", json=body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_the_page_is_still_there(client: TestClient) -> None:
    assert client.get("/").headers["content-type"].startswith("text/html")


def test_it_needs_the_key_though_the_page_at_the_same_path_needs_none(small_settings: Settings) -> None:
    settings = Settings(**{**small_settings.model_dump(), "api_keys": "secret"})
    with TestClient(create_app(settings)) as client:
        assert client.get("/").status_code == 200
        assert client.post("/", json={"inputs": "good"}).status_code == 401
        for path in ("/classify", "/invocations", "/v1/models/small:predict"):
            assert client.post(path, json={}).status_code == 401
        answer = client.post("/", json={"inputs": "good"}, headers={"Authorization": "Bearer secret"})
    assert answer.status_code == 200
