"""Answers of a small model, as the recorder gets them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.feedback.answers import Entry
from service.feedback.store import Limits, Store
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from service.models.model_choice import Choice
from tests.service.conftest import BundleFolder

DAY = 86_400.0
MakeEntry = Callable[..., Entry]


@pytest.fixture
def predictor(small: BundleFolder) -> Predictor:
    return Predictor.load(open_bundle(small.path), "float32")


@pytest.fixture
def entry(predictor: Predictor) -> MakeEntry:
    def make(request_id: str, *texts: str, kept: bool = False) -> Entry:
        return request_id, Choice(predictor), texts if kept else None, predictor.predict(texts)

    return make


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "feedback.db"


def limits(days: float = 30, answers: int = 1_000, texts: bool = False) -> Limits:
    return Limits(days * DAY, answers, texts)


def judge(store: Store, request_id: str, label: str, position: int = 0) -> bool:
    """Keeps a label of an answer that is remembered; tells whether it replaced another one."""
    answers, _ = store.find(request_id)
    assert answers
    return store.put(request_id, position, answers[position], label)
