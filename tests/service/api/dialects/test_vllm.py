"""vLLM's `POST /classify`."""

from typing import Any

import pytest
from fastapi.testclient import TestClient


def test_input_is_answered_as_vllm_answers_it(client: TestClient) -> None:
    predictions = client.post("/predict", json={"texts": ["bad film", "good"]}).json()["predictions"]
    answer = client.post("/classify", json={"model": "small", "input": ["bad film", "good"], "user": "me"}).json()
    assert answer["id"].startswith("classify-")
    assert answer["created"] > 1_700_000_000
    assert (answer["object"], answer["model"]) == ("list", "small")
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3, "completion_tokens": 0}
    assert answer["data"] == [
        {
            "index": index,
            "label": prediction["label"],
            "probs": [1 - prediction["probability"], prediction["probability"]],
            "num_classes": 2,
        }
        for index, prediction in enumerate(predictions)
    ]


def test_a_single_text_needs_no_list(client: TestClient) -> None:
    [answer] = client.post("/classify", json={"input": "good"}).json()["data"]
    assert answer["label"] == "positive"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"input": ["good", ""]}, 400, "input[1]: The text is blank"),
        ({"input": [1, 2]}, 400, "input"),
        ({"inputs": "good"}, 400, "input"),
        ({"input": "good", "model": "other"}, 404, "there is small"),
    ],
)
def test_errors_have_the_shape_of_openai(client: TestClient, body: dict[str, Any], status: int, message: str) -> None:
    answer = client.post("/classify", json=body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == status
    assert message in error["message"]
    assert error["type"]
