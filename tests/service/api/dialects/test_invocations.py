"""`/ping` and `/invocations` of SageMaker and MLflow."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

FORMS: list[dict[str, Any]] = [
    {"inputs": ["good", "bad"]},
    {"inputs": [{"text": "good"}, {"text": "bad"}]},
    {"inputs": {"text": ["good", "bad"]}},
    {"instances": ["good", "bad"]},
    {"dataframe_records": [{"id": 1, "text": "good"}, {"id": 2, "text": "bad"}]},
    {"dataframe_split": {"index": [0, 1], "columns": ["id", "text"], "data": [[1, "good"], [2, "bad"]]}},
    {"dataframe_split": {"columns": ["review"], "data": [["good"], ["bad"]]}},
]


@pytest.mark.parametrize("body", FORMS)
def test_every_form_of_json_gives_the_predictions_in_order(client: TestClient, body: dict[str, Any]) -> None:
    expected = client.post("/predict", json={"texts": ["good", "bad"]}).json()["predictions"]
    assert client.post("/invocations", json=body).json() == {"predictions": expected}


def test_a_single_text_is_one_prediction(client: TestClient) -> None:
    [answer] = client.post("/invocations", json={"inputs": "good"}).json()["predictions"]
    assert answer["label"] == "positive"


def test_json_lines_are_answered_in_lines(client: TestClient) -> None:
    headers = {"Content-Type": "application/jsonlines"}
    answer = client.post("/invocations", content='{"text": "good"}\n{"text": "bad"}\n', headers=headers)
    assert answer.headers["content-type"] == "application/jsonlines"
    assert [json.loads(line)["label"] for line in answer.text.splitlines()] == ["positive", "negative"]


def test_csv_without_a_header_is_answered_in_rows(client: TestClient) -> None:
    headers = {"Content-Type": "text/csv"}
    answer = client.post("/invocations", content='"good, ""really"" good",7\nbad\n', headers=headers)
    assert answer.headers["content-type"].startswith("text/csv")
    assert [row.split(",")[0] for row in answer.text.splitlines()] == ["positive", "negative"]
    probability = client.post("/predict", json={"text": "bad"}).json()["probability"]
    assert float(answer.text.splitlines()[1].split(",")[1]) == probability


@pytest.mark.parametrize(
    ("content", "media_type", "status", "message"),
    [
        ('{"inputs": ["good", " "]}', "application/json", 422, "text 2: The text is blank"),
        ('{"inputs": ["good"], "instances": ["good"]}', "application/json", 422, "give one of inputs, instances"),
        ('{"inputs": []}', "application/json", 422, "There is no text"),
        ('{"text": "good"}', "application/json", 422, "give one of inputs, instances"),
        ('{"dataframe_split": {"columns": ["a", "b"], "data": [["x", "y"]]}}', "application/json", 422, "it has a, b"),
        ('{"dataframe_split": {"columns": ["a"], "data": [[7]]}}', "application/json", 422, "text 1 is 7"),
        ('{"dataframe_split": {"columns": ["a"], "data": [["x"], []]}}', "application/json", 422, "Row 1"),
        ('{"text": "good"}\n{"txt": "bad"}', "application/jsonlines", 422, "text"),
        ("\xff", "text/csv", 422, "cannot be read as CSV"),
        ("good", "text/html", 415, "/invocations reads application/json"),
        ("", "text/csv", 400, "Send texts"),
    ],
)
def test_bad_requests_are_problems_that_name_the_fault(
    client: TestClient, content: str, media_type: str, status: int, message: str
) -> None:
    answer = client.post("/invocations", content=content.encode("latin-1"), headers={"Content-Type": media_type})
    assert answer.status_code == status
    assert message in answer.json()["detail"]


def test_ping_is_an_empty_success(client: TestClient) -> None:
    answer = client.get("/ping")
    assert (answer.status_code, answer.content) == (200, b"")
