"""The routes that a platform chooses for a container."""

import pytest
from fastapi.testclient import TestClient

from service.server.application import create_app
from service.settings import Settings


def test_vertex_ai_finds_health_and_predictions_where_it_asks_for_them(
    small_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, predict = "/v1/endpoints/7/deployedModels/9", "/v1/endpoints/7/deployedModels/9:predict"
    monkeypatch.setenv("AIP_HEALTH_ROUTE", health)
    monkeypatch.setenv("AIP_PREDICT_ROUTE", predict)
    settings = Settings(**small_settings.model_dump(exclude={"health_route", "predict_route"}))
    with TestClient(create_app(settings)) as client:
        assert client.get(health).json()["status"] == "ready"
        answer = client.post(predict, json={"instances": ["good", {"text": "bad"}], "parameters": {}})
        assert [each["label"] for each in answer.json()["predictions"]] == ["positive", "negative"]
        assert client.post("/invocations", json={"instances": ["good"]}).status_code == 200


def test_such_a_route_of_predictions_needs_the_key_and_that_of_health_does_not(small_settings: Settings) -> None:
    about = {**small_settings.model_dump(), "health_route": "/ok", "predict_route": "/ask", "api_keys": "secret"}
    with TestClient(create_app(Settings(**about))) as client:
        assert client.get("/ok").status_code == 200
        assert client.post("/ask", json={"instances": ["good"]}).status_code == 401
        answer = client.post("/ask", json={"instances": ["good"]}, headers={"X-API-Key": "secret"})
    assert answer.status_code == 200
