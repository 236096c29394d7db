import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest
from fastapi.testclient import TestClient
from httpx import ASGITransport, AsyncClient, Response

from service.inference.predictor import Predictor
from service.server.application import create_app
from service.settings import Settings
from tests.service.conftest import BundleFolder, write_small_bundle


def assert_problem(response: Response, status: int, slug: str) -> dict[str, Any]:
    """A documented problem, which says nothing of how the service is made."""
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["status"], body["type"]) == (status, status, f"/problems/{slug}")
    assert body["title"]
    assert body["detail"]
    assert "Traceback" not in response.text
    return body


def post(
    client: TestClient, body: str | bytes, content_type: str = "application/json", path: str = "/predict"
) -> Response:
    response: Response = client.post(path, content=body, headers={"content-type": content_type})
    return response


def test_one_text_gets_one_prediction_and_the_model_that_gave_it(client: TestClient) -> None:
    response = client.post("/predict", json={"text": "A good film, really."})
    assert response.status_code == 200
    assert response.json() == {
        "label": "positive",
        "probability": pytest.approx(0.880797, abs=1e-6),
        "words": 4,
        "known_words": 2,
        "truncated": False,
        "model": {"name": "small", "version": 1},
    }


def test_texts_get_predictions_in_their_order(client: TestClient) -> None:
    body = client.post("/predict", json={"texts": ["bad", "good", "bad bad"]}).json()
    assert [p["probability"] for p in body["predictions"]] == pytest.approx([0.119203, 0.880797, 0.017986], abs=1e-6)
    assert [p["label"] for p in body["predictions"]] == ["negative", "positive", "negative"]
    assert body["model"] == {"name": "small", "version": 1}


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.x+json"]
)
def test_json_by_any_of_its_names_is_read(client: TestClient, content_type: str) -> None:
    assert post(client, '{"text": "좋다 good"}', content_type).status_code == 200


def test_a_byte_order_mark_is_passed_over(client: TestClient) -> None:
    assert post(client, b'\xef\xbb\xbf{"text": "good"}').status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "slug", "pointer"),
    [
        ("", 400, "no-body", None),
        ("{", 400, "broken-json", None),
        ('{"text": "good"', 400, "broken-json", None),
        ("good", 400, "broken-json", None),
        ("{'text': 'good'}", 400, "broken-json", None),
        (b'{"text": "\xff"}', 400, "broken-json", None),
        (b'{"text": "\xed\xa0\x80"}', 400, "broken-json", None),  # a surrogate as bytes
        ('{"text": "\\ud83d"}', 400, "broken-json", None),  # half of an emoji
        ('{"text": "good"} {}', 400, "broken-json", None),
        ("[" * 250, 400, "broken-json", None),
        ("null", 422, "invalid-request", ""),
        ("[]", 422, "invalid-request", ""),
        ('"good"', 422, "invalid-request", ""),
        ("{}", 422, "invalid-request", ""),
        ('{"text": "a", "texts": ["b"]}', 422, "invalid-request", ""),
        ('{"text": null}', 422, "invalid-request", "/text"),
        ('{"text": 1}', 422, "invalid-request", "/text"),
        ('{"text": ["good"]}', 422, "invalid-request", "/text"),
        ('{"texts": "good"}', 422, "invalid-request", "/texts"),
        ('{"texts": []}', 422, "invalid-request", "/texts"),
        ('{"texts": ["good", 1]}', 422, "invalid-request", "/texts/1"),
        ('{"text": "good", "txet": 1}', 422, "invalid-request", "/txet"),
        ('{"a/b~": 1}', 422, "invalid-request", "/a~1b~0"),
        ('{"text": ""}', 422, "blank-text", "/text"),
        ('{"text": " \\n\\t\\u00a0"}', 422, "blank-text", "/text"),
        ('{"texts": ["good", " "]}', 422, "blank-text", "/texts/1"),
        ('{"text": "go\\u0000od"}', 422, "invalid-text", "/text"),
        (json.dumps({"text": "x" * 61}), 422, "text-too-long", "/text"),
        (json.dumps({"texts": ["x", "x" * 61]}), 422, "text-too-long", "/texts/1"),
        (json.dumps({"texts": ["x"] * 6}), 422, "too-many-texts", "/texts"),
        (json.dumps({"text": "x" * 600}), 413, "body-too-large", None),
    ],
)
def test_a_bad_body_is_told_what_is_wrong_and_where(
    client: TestClient, body: str | bytes, status: int, slug: str, pointer: str | None
) -> None:
    assert assert_problem(post(client, body), status, slug).get("pointer") == pointer


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""]
)
def test_another_media_type_is_told_which_one_to_send(client: TestClient, content_type: str) -> None:
    body = assert_problem(post(client, '{"text": "good"}', content_type), 415, "media-type")
    assert "application/json" in body["detail"]


def test_a_text_at_the_limit_is_answered(client: TestClient) -> None:
    assert client.post("/predict", json={"text": "x" * 60}).status_code == 200
    assert client.post("/predict", json={"texts": ["x"] * 5}).status_code == 200


def test_an_unknown_route_is_a_problem(client: TestClient) -> None:
    assert_problem(client.get("/nowhere"), 404, "route-not-found")


def test_a_wrong_method_is_told_the_right_one(client: TestClient) -> None:
    response = client.get("/predict")
    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


@pytest.fixture
def two_versions(small: BundleFolder, small_settings: Settings) -> Iterator[TestClient]:
    write_small_bundle(small.path.parents[1], version=2, bias=-3.0)
    with TestClient(create_app(small_settings)) as client:
        yield client


def test_a_request_can_ask_for_a_version(two_versions: TestClient) -> None:
    def version_and_label(query: str) -> tuple[int, str]:
        body = two_versions.post(f"/predict{query}", json={"text": "good"}).json()
        return body["model"]["version"], body["label"]

    assert version_and_label("?version=1") == (1, "positive")
    assert version_and_label("?version=2") == (2, "negative")
    assert version_and_label("") == (2, "negative")


def test_a_missing_version_is_told_what_there_is(two_versions: TestClient) -> None:
    body = assert_problem(two_versions.post("/predict?version=3", json={"text": "good"}), 404, "model-not-found")
    assert "it has 1, 2" in body["detail"]


@pytest.mark.parametrize("version", ["0", "-1", "one two", "1.5"])
def test_a_version_that_is_no_version_is_refused(client: TestClient, version: str) -> None:
    assert_problem(client.post(f"/predict?version={version}", json={"text": "good"}), 422, "invalid-request")


def test_a_bug_is_a_problem_that_gives_nothing_away(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(Predictor, "compute", broken)
    response = client.post("/predict", json={"text": "good"})
    assert_problem(response, 500, "internal")
    assert "secret" not in response.text


def test_a_body_that_streams_in_is_refused_before_it_ends(small_settings: Settings) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1_000:
            sent += 1
            yield b"x" * 100

    async def main() -> Response:
        transport = ASGITransport(create_app(small_settings))
        async with AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/predict", content=endless(), headers={"content-type": "application/json"})

    assert_problem(anyio.run(main), 413, "body-too-large")
    assert sent <= small_settings.max_body_bytes / 100 + 2


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (path, name)
        for path in ("/predict", "/explain", "/layers")
        for name in ("txt", "Text", "TEXT", "text_", "input", "inputs", "instances", "review", "sentence", "content")
        if (path, name) != ("/predict", "inputs")  # a request of another interface
    ],
)
def test_an_unknown_field_is_refused_with_the_one_that_was_meant(client: TestClient, path: str, name: str) -> None:
    problem = client.post(path, json={name: "good"}).json()
    assert problem["status"] == 422
    assert problem["pointer"] == f"/{name}"
    assert "Did you mean text?" in problem["detail"]


def test_an_unknown_field_that_is_like_none_is_refused_with_all_there_are(client: TestClient) -> None:
    detail = client.post("/predict", json={"text": "good", "x" * 200: 1}).json()["detail"]
    assert "Known: model, text, texts, version." in detail
    assert "Did you mean" not in detail


@pytest.mark.parametrize("path", ["/predict", "/explain", "/layers", "/predict/batch", "/invocations"])
@pytest.mark.parametrize("name", ["application/json", "text/csv", "application/x-ndjson"])
def test_parameters_of_the_media_type_that_have_parts_get_415(client: TestClient, path: str, name: str) -> None:
    headers = {"Content-Type": f"{name}; charset*99999999*=x"}
    assert client.post(path, content=b'{"text":"good"}', headers=headers).status_code == 415
