"""infinity's `/classify`."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

# What its client sends for its documented example, `ClassifyInput(input_=["I am not having a great day."])`.
OF_ITS_CLIENT = {"input": ["I am not having a great day."], "model": "default/not-specified", "raw_scores": False}


def test_the_request_of_its_client_is_answered_as_infinity_answers_it(client: TestClient) -> None:
    [prediction] = client.post("/predict", json={"texts": OF_ITS_CLIENT["input"]}).json()["predictions"]
    answer = client.post("/classify", json=OF_ITS_CLIENT).json()
    assert answer.pop("created") > 1_700_000_000
    assert answer.pop("id").startswith("infinity-")
    assert answer == {
        "object": "classify",
        "data": [
            [
                {"label": "positive", "score": prediction["probability"]},
                {"label": "negative", "score": 1 - prediction["probability"]},
            ]
        ],
        "model": "small",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }


def test_a_request_that_could_be_vllm_s_is_answered_so_at_the_path_of_infinity(client: TestClient) -> None:
    body = {"model": "small", "input": ["bad", "good"]}
    assert client.post("/classify", json=body).json()["object"] == "list"
    answer = client.post("/infinity/classify", json=body).json()
    assert answer["object"] == "classify"
    assert [scores[0]["label"] for scores in answer["data"]] == ["negative", "positive"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({**OF_ITS_CLIENT, "raw_scores": True}, 400, "there are probabilities alone"),
        ({**OF_ITS_CLIENT, "input": ["good", " "]}, 400, "input[1]: The text is blank"),
        ({**OF_ITS_CLIENT, "model": "other"}, 404, "there is small"),
        ({"input": 7}, 400, "input"),
    ],
)
@pytest.mark.parametrize("path", ["/classify", "/infinity/classify"])
def test_errors_have_the_shape_of_openai(
    client: TestClient, path: str, body: dict[str, Any], status: int, message: str
) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]
