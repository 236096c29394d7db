"""The usual way answers as the service does, so that their speeds are of the same work."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bench.usual import create_app
from bench.usual_model import BUNDLE
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor

TEXTS = ["A wonderful film.", "It is not good, it is boring and far too long.", "words " * 1_200]


@pytest.mark.parametrize("version", ["1", "3"])
def test_it_answers_as_the_reference_does(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Path("models/imdb-conv1d") / version
    monkeypatch.setenv(BUNDLE, str(bundle))
    expected = Predictor.load(open_bundle(bundle), "reference").predict(TEXTS)
    with TestClient(create_app()) as client:
        for text, prediction in zip(TEXTS, expected, strict=True):
            answer = client.post("/predict", json={"text": text}).json()
            assert answer["label"] == prediction.label
            assert answer["probability"] == pytest.approx(prediction.probability, abs=1e-5)
