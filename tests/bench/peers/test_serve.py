"""The functions of the peers give the answers of the bundle, called as a peer would call them, without its package."""

import asyncio
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench.usual_model import BUNDLE, THREADS, UsualModel
from service.inference.bundle import open_bundle

TEXTS = ["A wonderful film.", "It is not good, it is boring and far too long.", "words " * 1_200]
MODEL = Path("models/imdb-conv1d/1")


def decorator(*given: Any, **_: Any) -> Any:
    """Stand in for a decorator, with arguments or without."""
    return given[0] if given and callable(given[0]) else lambda decorated: decorated


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Import the server of a peer, whose package is an empty one with the names that the server uses."""
    monkeypatch.setenv(BUNDLE, str(MODEL))
    monkeypatch.setenv(THREADS, "1")

    def imported(name: str, **names: Any) -> Any:
        package = ModuleType(name)
        vars(package).update(names)
        monkeypatch.setitem(sys.modules, name, package)
        monkeypatch.delitem(sys.modules, f"bench.peers.{name}.serve", raising=False)
        return importlib.import_module(f"bench.peers.{name}.serve")

    yield imported
    for name in [name for name in sys.modules if name.startswith("bench.peers.") and name.endswith(".serve")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def expected() -> list[dict[str, Any]]:
    return UsualModel(open_bundle(MODEL), threads=1).answers(TEXTS)


def test_mosec(load: Callable[..., Any], expected: list[dict[str, Any]]) -> None:
    module = load("mosec", Worker=object, Server=object)
    assert module.Sentiment().forward([{"text": text} for text in TEXTS]) == expected


def test_litserve(load: Callable[..., Any], expected: list[dict[str, Any]]) -> None:
    api = load("litserve", LitAPI=object).Sentiment()
    api.setup("cpu")
    assert api.predict([api.decode_request({"text": text}) for text in TEXTS]) == expected


def test_bentoml(load: Callable[..., Any], expected: list[dict[str, Any]]) -> None:
    from pydantic import TypeAdapter

    module = load("bentoml", service=decorator, api=decorator)
    texts = TypeAdapter(module.Texts)
    assert module.Sentiment().predict(texts.validate_python(TEXTS)) == expected
    assert module.Sentiment().predict(texts.validate_python(TEXTS[0])) == expected[:1]


def test_ray(load: Callable[..., Any], expected: list[dict[str, Any]]) -> None:
    serve = ModuleType("serve")
    vars(serve).update(deployment=decorator, batch=decorator)
    replica = load("ray", serve=serve).Sentiment()
    assert asyncio.run(replica.answer(TEXTS)) == expected
