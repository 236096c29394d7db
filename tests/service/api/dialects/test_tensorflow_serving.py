"""TensorFlow Serving's REST interface, which is KServe's protocol V1."""

import base64
from typing import Any

import pytest
from fastapi.testclient import TestClient

PREDICT = "/v1/models/small:predict"


def b64(text: str) -> dict[str, str]:
    return {"b64": base64.b64encode(text.encode()).decode()}


def test_instances_are_predicted_in_order_in_every_form_that_a_text_has(client: TestClient) -> None:
    instances: list[Any] = ["good", {"text": "bad"}, b64("good film"), {"text": b64("좋다 bad")}]
    answer = client.post(PREDICT, json={"signature_name": "serving_default", "instances": instances})
    texts = ["good", "bad", "good film", "좋다 bad"]
    assert answer.json() == {"predictions": client.post("/predict", json={"texts": texts}).json()["predictions"]}


def test_the_command_of_the_documentation_works_without_a_media_type(client: TestClient) -> None:
    # curl -d '{"instances": [...]}' -X POST http://localhost:8501/v1/models/half_plus_two:predict
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post("/v1/models/small/versions/1:predict", content='{"instances": ["good"]}', headers=headers)
    assert answer.json()["predictions"][0]["label"] == "positive"


def test_the_state_of_a_model_is_that_of_both_protocols(client: TestClient) -> None:
    available = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in ("/v1/models/small", "/v1/models/small/versions/1"):
        assert client.get(path).json() == {"name": "small", "ready": True, "model_version_status": [available]}
    assert client.get("/v1/models").json() == {"models": ["small"]}


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (PREDICT, {"instances": ["good", " "]}, 400, "instances[1]: The text is blank"),
        (PREDICT, {"instances": []}, 400, "instances"),
        (PREDICT, {"instances": ["good"] * 6}, 400, "There are 6 texts"),
        (PREDICT, {"instances": [7]}, 400, "instances/0"),
        (PREDICT, {"instances": [{"b64": "%%"}]}, 400, "instances[0]: b64 should be UTF-8 in base64"),
        (PREDICT, {"instances": [b64("a")["b64"], {"b64": "/w=="}]}, 400, "instances[1]: b64 should be UTF-8"),
        (PREDICT, {"inputs": ["good"]}, 400, "instances"),
        ("/v1/models/other:predict", {"instances": ["good"]}, 404, "there is small"),
        ("/v1/models/small/versions/9:predict", {"instances": ["good"]}, 404, "has no version 9"),
        ("/v1/models/small/versions/0:predict", {"instances": ["good"]}, 400, "should be a number"),
        ("/v1/models/small/labels/stable:predict", {"instances": ["good"]}, 404, "has no version stable; it has 1"),
    ],
)
def test_errors_have_the_shape_of_the_protocol(
    client: TestClient, path: str, body: dict[str, Any], status: int, message: str
) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert message in answer.json()["error"]


def test_what_is_no_json_or_no_route_has_it_too(client: TestClient) -> None:
    assert client.post(PREDICT, content=b"{").json()["error"].startswith("The body cannot be read as JSON")
    assert list(client.get("/v1/models/small/metadata").json()) == ["error"]
    assert client.get("/v1/models/other").status_code == 404


@pytest.mark.parametrize("path", ["small:predict", "small/versions/1:predict"])
def test_a_prediction_is_no_state_to_get(client: TestClient, path: str) -> None:
    answer = client.get(f"/v1/models/{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert set(answer.json()) == {"error"}
