import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.api.routes import OPERATIONS
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
    lecture, taught = [model for model in committed.get(path).json()["models"] if model["name"] == "imdb-conv1d"]
    assert (lecture["version"], lecture["maxlen"], lecture["num_words"], lecture["default"]) == (1, 300, 500, False)
    assert lecture["recipe"]["name"] == "lecture"
    assert 0.77 < lecture["metrics"]["test"]["accuracy"] < 0.87
    assert (taught["version"], taught["maxlen"], taught["num_words"], taught["default"]) == (3, 1_000, 60_000, True)
    assert taught["recipe"]["name"] == "taught"
    assert taught["metrics"]["test"]["accuracy"] > 0.915


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
    committed.post("/predict", json={"texts": ["good", "bad"]}, headers={"X-Request-ID": "0f8c4a51"})  # of /feedback
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


POSTS = sorted(
    {re.sub("{name}", "small", re.sub("{version}", "1", each.path)) for each in OPERATIONS if each.method == "POST"}
    - {"/v1/models/small/labels/{label}:predict"}
)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br"])
@pytest.mark.parametrize("path", POSTS)
def test_a_coding_that_is_not_read_gets_415_that_says_which_are(client: TestClient, path: str, coding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = client.post(path, content=b'{"text":"good"}', headers=headers)
    assert answer.status_code == 415
    assert coding in answer.text
    assert "gzip" in answer.text.replace(coding, "")


@pytest.mark.parametrize(
    ("path", "name", "meant"),
    [
        *[
            (path, "modle", "model")
            for path in ("/predict", "/predict/batch", "/explain", "/layers", "/invocations", "/")
        ],
        ("/predict/batch", "colum", "column"),
        ("/predict/batch", "encodng", "encoding"),
        ("/predict", "column", None),
    ],
)
def test_a_misspelt_parameter_of_the_query_is_refused_with_the_one_that_was_meant(
    client: TestClient, path: str, name: str, meant: str | None
) -> None:
    answer = client.post(f"{path}?{name}=x", json={"text": "good"})
    assert answer.status_code in (400, 422)
    assert f"no query parameter '{name}'" in answer.text
    assert (f"Did you mean {meant}?" in answer.text) == (meant is not None)


def test_clients_of_other_servers_may_send_parameters_that_mean_nothing_here(client: TestClient) -> None:
    assert client.get("/v2/models/small?trace=1").status_code == 200
    assert client.post("/v1/models/small:predict?trace=1", json={"instances": ["good"]}).status_code == 200


@pytest.mark.parametrize("path", ["/models", "/models/small", "/problems"])
def test_a_route_without_parameters_takes_none(client: TestClient, path: str) -> None:
    answer = client.get(f"{path}?modle=x")
    assert answer.status_code in (400, 422)
    assert "There is none" in answer.text


@pytest.mark.parametrize("path", ["/health", "/health/live", "/metrics", "/ping", "/", "/docs"])
def test_what_monitors_and_people_read_takes_parameters_of_other_programs(client: TestClient, path: str) -> None:
    assert client.get(f"{path}?cache=1").status_code == 200
