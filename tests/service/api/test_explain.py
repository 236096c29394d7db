"""`POST /explain`."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from service.api.schemas import ExplainResponse
from service.explain.occlusion import explain
from service.inference.bundle import open_bundle
from service.inference.inputs import Run
from service.inference.predictor import Predictor
from service.server.application import create_app
from service.settings import Settings
from tests.service.api.test_predict import assert_problem, post
from tests.service.conftest import BundleFolder, write_small_bundle


def test_a_model_with_ngrams_explains_by_the_ngrams_of_what_is_left(with_ngrams: BundleFolder) -> None:
    settings = Settings(models_dir=with_ngrams.path.parents[1], model="small", request_log=False)
    with TestClient(create_app(settings)) as client:
        answer = client.post("/explain", json={"text": "Don't good film"}).json()
    assert answer["logit"] == -1 + 2 - 4 + 0.5
    # Without "good" there is neither "don't good" nor "good film".
    assert [word["contribution"] for word in answer["words"]] == [-1 - 4, 2 - 4 + 0.5, 0.5]


def test_words_and_phrases_come_with_their_places_and_contributions(client: TestClient) -> None:
    response = client.post("/explain", json={"text": "“Good” film, zyzzyva bad bad!"})
    assert response.status_code == 200
    body = response.json()
    assert ExplainResponse.model_validate(body).model_dump(mode="json") == body
    assert body == {
        "prediction": {
            "label": "negative",
            "probability": pytest.approx(0.119203, abs=1e-6),
            "words": 5,
            "known_words": 4,
            "truncated": False,
        },
        "logit": pytest.approx(-2, abs=1e-5),
        "baseline": 0.0,
        "difference": pytest.approx(-2, abs=1e-5),
        "contribution_sum": pytest.approx(-2, abs=1e-5),
        "logit_from": "probability",
        "words": [
            word("Good", 1, 2),
            word("film", 7, 0),
            {**word("zyzzyva", 13, 0), "known": False},
            word("bad", 21, -2),
            word("bad", 25, -2),
        ],
        "phrases": [{"phrase": "bad bad", "start": 21, "end": 28, "contribution": pytest.approx(-4, abs=1e-5)}],
        "model": {"name": "small", "version": 1},
    }


def word(word: str, start: int, contribution: float) -> dict[str, Any]:
    return {
        "word": word,
        "start": start,
        "end": start + len(word),
        "contribution": pytest.approx(contribution, abs=1e-5),
        "known": True,
        "used": True,
    }


def test_it_says_what_predict_and_python_say(client: TestClient, small: BundleFolder) -> None:
    text = "The good, rare film"
    body = client.post("/explain", json={"text": text}).json()
    prediction = client.post("/predict", json={"text": text}).json()
    assert {**body["prediction"], "model": body["model"]} == prediction
    explanation = explain(Predictor.load(open_bundle(small.path), "float32"), text)
    assert [w["contribution"] for w in body["words"]] == [w.contribution for w in explanation.words]


def test_the_same_text_gets_the_same_bytes_each_time(committed: TestClient) -> None:
    text = "Not bad at all, though I wouldn't watch it again. " * 8
    first, second = (committed.post("/explain", json={"text": text}).content for _ in range(2))
    assert first == second


def test_phrases_are_as_many_as_asked_for(client: TestClient) -> None:
    text = "bad bad the good good"
    counts = [
        len(client.post("/explain", json={"text": text, **asked}).json()["phrases"])
        for asked in ({"max_phrases": 0}, {"max_phrases": 1}, {})
    ]
    assert counts == [0, 1, 2]


@pytest.mark.parametrize(
    ("body", "status", "slug", "pointer"),
    [
        ("", 400, "no-body", None),
        ("{", 400, "broken-json", None),
        ("{}", 422, "invalid-request", "/text"),
        ('{"texts": ["good"]}', 422, "invalid-request", "/texts"),
        ('{"text": 1}', 422, "invalid-request", "/text"),
        ('{"text": "good", "phrases": 1}', 422, "invalid-request", "/phrases"),
        ('{"text": "good", "max_phrases": -1}', 422, "invalid-request", "/max_phrases"),
        ('{"text": "good", "max_phrases": 101}', 422, "invalid-request", "/max_phrases"),
        ('{"text": "good", "max_phrases": "1"}', 422, "invalid-request", "/max_phrases"),
        ('{"text": "good", "max_phrases": 1.5}', 422, "invalid-request", "/max_phrases"),
        ('{"text": " "}', 422, "blank-text", "/text"),
        ('{"text": "go\\u0000od"}', 422, "invalid-text", "/text"),
        (json.dumps({"text": "x" * 61}), 422, "text-too-long", "/text"),
        (json.dumps({"text": "x" * 600}), 413, "body-too-large", None),
    ],
)
def test_a_bad_body_is_told_what_is_wrong_and_where(
    client: TestClient, body: str, status: int, slug: str, pointer: str | None
) -> None:
    assert assert_problem(post(client, body, path="/explain"), status, slug).get("pointer") == pointer


def test_another_media_type_or_method_is_refused(client: TestClient) -> None:
    assert_problem(post(client, '{"text": "good"}', "text/plain", "/explain"), 415, "media-type")
    assert_problem(client.get("/explain"), 405, "method-not-allowed")


@pytest.fixture
def limited(small: BundleFolder, small_settings: Settings) -> Iterator[TestClient]:
    write_small_bundle(small.path.parents[1], version=2, bias=-3.0)
    settings = small_settings.model_copy(update={"max_explained_words": 4, "model_version": 1})
    with TestClient(create_app(settings)) as client:
        yield client


def test_a_text_of_too_many_words_is_told_the_limit(limited: TestClient) -> None:
    assert limited.post("/explain", json={"text": "good - good - good - good"}).status_code == 200
    response = limited.post("/explain", json={"text": "good good good good good"})
    body = assert_problem(response, 422, "text-too-long")
    assert (body["detail"], body["pointer"]) == ("The text has 5 words; at most 4 are explained.", "/text")


def test_a_request_can_ask_for_a_model_and_a_version(limited: TestClient) -> None:
    def baseline(query: str) -> float:
        return float(limited.post(f"/explain{query}", json={"text": "good"}).json()["baseline"])

    assert [baseline(query) for query in ("", "?version=2", "?model=small&version=2")] == pytest.approx([0, -3, -3])
    assert_problem(limited.post("/explain?version=3", json={"text": "good"}), 404, "model-not-found")
    assert_problem(limited.post("/explain?model=x", json={"text": "good"}), 404, "model-not-found")
    assert_problem(limited.post("/explain?version=-", json={"text": "good"}), 422, "invalid-request")


def test_what_is_computed_for_an_explanation_is_counted_as_one_prediction(client: TestClient) -> None:
    client.post("/explain", json={"text": "good good good good good"})
    metrics = client.get("/metrics").text
    counts = [
        float(line.split()[-1]) for line in metrics.splitlines() if line.startswith("sentiment_predictions_total{")
    ]
    assert sum(counts) == 1


def test_predictions_go_on_and_explanations_are_refused_where_too_much_is_waiting(
    small_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    compute_logits = Predictor.compute_logits

    def held(self: Predictor, run: Run) -> NDArray[Any]:
        assert len(run.rows) == 1 or gate.wait(10)  # the texts without a word, not the prediction before
        return compute_logits(self, run)

    monkeypatch.setattr(Predictor, "compute_logits", held)
    app = create_app(small_settings.model_copy(update={"max_waiting_texts": 8, "threads": 2}))

    async def main() -> None:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://testserver") as ask,
        ):
            first = asyncio.create_task(ask.post("/explain", json={"text": "good bad good"}))  # 7 rows
            async with asyncio.timeout(10):
                while app.collaborators.scheduler.waiting != 7:  # noqa: ASYNC110 (nothing tells of it)
                    await asyncio.sleep(0.01)
            prediction = await ask.post("/predict", json={"text": "good"})
            refused = await ask.post("/explain", json={"text": "good"})
            gate.set()
            assert prediction.status_code == 200
            assert_problem(refused, 503, "overloaded")
            assert refused.headers["retry-after"] == "1"
            assert (await first).status_code == 200

    asyncio.run(main())
