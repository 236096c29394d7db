import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.problems import BY_SLUG


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_ready_names_the_model(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()) == (
        200,
        {"status": "ready", "model": {"name": "small", "version": 1}},
    )


def test_live_says_so(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "live"}


@pytest.mark.parametrize("path", ["/models", "/models/imdb-conv1d"])
def test_models_tells_recipe_and_measured_quality(committed: TestClient, path: str) -> None:
    lecture, tuned = [model for model in committed.get(path).json()["models"] if model["name"] == "imdb-conv1d"]
    assert (lecture["version"], lecture["maxlen"], lecture["num_words"], lecture["default"]) == (1, 300, 500, False)
    assert lecture["recipe"]["name"] == "lecture"
    assert 0.77 < lecture["metrics"]["test"]["accuracy"] < 0.87
    assert (tuned["version"], tuned["maxlen"], tuned["num_words"], tuned["default"]) == (2, 1_000, 20_000, True)
    assert tuned["recipe"]["name"] == "tuned"
    assert tuned["metrics"]["test"]["accuracy"] > 0.915


def test_an_unknown_model_is_a_problem(committed: TestClient) -> None:
    response = committed.get("/models/other")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/model-not-found")


def test_every_type_of_problem_leads_to_its_meaning(client: TestClient) -> None:
    kinds = client.get("/problems").json()
    assert {kind["type"] for kind in kinds} == {problem.type for problem in BY_SLUG.values()}
    for kind in kinds:
        assert client.get(kind["type"]).json() == kind
    assert client.get("/problems/none").status_code == 404


def test_every_example_of_the_openapi_document_works_when_pasted(committed: TestClient) -> None:
    document = committed.get("/openapi.json").json()
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            in_path = {p["name"]: p["example"] for p in operation.get("parameters", ()) if "example" in p}
            for content_type, content in operation.get("requestBody", {}).get("content", {}).items():
                for example in content.get("examples", {}).values():
                    value = example["value"]
                    body = value if isinstance(value, str) else json.dumps(value)
                    response = committed.request(
                        method, path.format(**in_path), content=body, headers={"content-type": content_type}
                    )
                    assert response.status_code == 200, response.text
                    tried += 1
    assert tried >= 8


def test_the_openapi_document_describes_every_answer_of_predict(client: TestClient) -> None:
    document: dict[str, Any] = client.get("/openapi.json").json()
    responses = document["paths"]["/predict"]["post"]["responses"]
    assert set(responses) == {"200", "default"}
    assert "application/problem+json" in responses["default"]["content"]
    assert "HTTPValidationError" not in str(document)
