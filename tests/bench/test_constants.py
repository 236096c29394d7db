"""The two constants: that both read the request and give the same answer, so that their speeds can be compared."""

import json

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from bench.constants import ANSWER, bare, create_fastapi


@pytest.mark.parametrize("app", [bare, create_fastapi()], ids=["bare ASGI", "FastAPI"])
def test_a_constant_answers_as_the_service_does(app: ASGIApp) -> None:
    answer = TestClient(app).post("/predict", json={"text": "A waste of two hours."})
    assert answer.status_code == 200
    assert answer.content == json.dumps(ANSWER, separators=(",", ":")).encode()
    assert answer.headers["content-type"] == "application/json"


def test_that_of_fastapi_validates_the_body() -> None:
    assert TestClient(create_fastapi()).post("/predict", json={"texts": []}).status_code == 422
