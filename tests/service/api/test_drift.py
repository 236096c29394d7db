"""Drift over HTTP and over processes, with small bundles and with the committed ones."""

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.monitoring.drift import ENOUGH_TEXTS
from service.server.application import create_app
from service.settings import Settings
from tests.service.conftest import MODELS_DIR, BundleFolder, write_small_bundle
from tests.service.monitoring.drifting import histograms_of_good_texts
from tests.service.running import running, until
from training.data.imdb import load_texts
from training.data.nsmc import read_reviews
from training.export import add_histograms

RINGS = 0.25
"""Index above which the alert of `docker/prometheus/alerts.yml` rings."""

EVEN = ["good", "bad"] * (ENOUGH_TEXTS // 2)


@pytest.fixture
def models_dir(small: BundleFolder) -> Path:
    small.change_manifest(histograms=histograms_of_good_texts())
    return small.path.parents[1]


def started(models_dir: Path, **settings: Any) -> TestClient:
    return TestClient(create_app(Settings(models_dir=models_dir, request_log=False, **{"model": "small", **settings})))


def told(client: TestClient, version: int = 1, name: str = "small") -> dict[str, Any]:
    versions = client.get(f"/models/{name}/drift").json()["versions"]
    return dict(next(each for each in versions if each["version"] == version))


def indices(client: TestClient, version: int = 1, name: str = "small") -> dict[str, float]:
    return {feature: about["index"] for feature, about in told(client, version, name)["features"].items()}


def test_texts_like_the_reference_stay_quiet_and_others_ring(models_dir: Path) -> None:
    with started(models_dir) as client:
        client.post("/predict", json={"texts": EVEN[:-2]})
        early = told(client)
        assert set(indices(client).values()) == {None}
        assert early["reason"] == f"it has {ENOUGH_TEXTS - 2} texts; {ENOUGH_TEXTS} are enough"
        client.post("/predict", json={"texts": EVEN[:2]})
        quiet = told(client)
        assert (quiet["texts"], quiet["reason"]) == (ENOUGH_TEXTS, None)
        assert quiet["reference"] == {"source": "good and bad texts", "texts": 1_000}
        assert quiet["since"] is not None
        assert max(indices(client).values()) < 0.01
        assert quiet["features"]["label"]["observed"] == [0.5, 0.5]
        metrics = client.get("/metrics").text
        assert f'sentiment_drift_texts{{model="small",version="1"}} {ENOUGH_TEXTS}.0' in metrics
        assert 'sentiment_drift{feature="length",model="small",version="1"} 0.0' in metrics
        client.post("/predict", json={"texts": ["good film rare"] * ENOUGH_TEXTS})
        ringing = indices(client)
    assert min(ringing["length"], ringing["known_words"]) > RINGS
    assert ringing["label"] > quiet["features"]["label"]["index"]


def test_every_answered_text_counts_once_and_nothing_else(models_dir: Path) -> None:
    with started(models_dir) as client:
        client.post("/predict", json={"text": "good"})
        client.post("/predict/batch", content="good\nbad\n", headers={"Content-Type": "text/plain"})
        client.post("/explain", json={"text": "good film"})
        client.post("/predict", json={"text": " "})
        assert told(client)["texts"] == 4


def test_what_a_shadow_reads_does_not_count(models_dir: Path) -> None:
    write_small_bundle(models_dir, version=2).change_manifest(histograms=histograms_of_good_texts())
    rollout = {"serve": 1, "shadow": {"version": 2, "share": 1.0}}
    (models_dir / "small" / "rollout.json").write_text(json.dumps(rollout))
    with started(models_dir) as client:
        client.post("/predict", json={"text": "good"})
        until(lambda: client.get("/models/small/shadow").json()["texts"] == 1)
        assert (told(client, 1)["texts"], told(client, 2)["texts"]) == (1, 0)


def test_a_bundle_without_histograms_says_so(models_dir: Path) -> None:
    write_small_bundle(models_dir, version=2)
    with started(models_dir) as client:
        client.post("/predict?version=2", json={"text": "good"})
        bare = told(client, 2)
        assert 'sentiment_drift_texts{model="small",version="2"}' not in client.get("/metrics").text
        assert client.get("/models/other/drift").status_code == 404
    assert "its bundle has no reference histograms" in bare.pop("reason")
    assert (bare.pop("version"), set(bare.values())) == (2, {None})


def test_a_bundle_that_changes_begins_anew(models_dir: Path, small: BundleFolder) -> None:
    with started(models_dir) as client:
        client.post("/predict", json={"text": "good"})
        assert told(client)["texts"] == 1
        changed = histograms_of_good_texts(2_000)
        small.change_manifest(histograms={**changed, "length": {"bounds": [2.0], "counts": [0, 2_000]}})
        state = client.app.collaborators  # type: ignore[attr-defined]
        state.repository.ask_for_reload()
        client.portal.call(state.repository.follow)  # type: ignore[union-attr]
        assert told(client)["texts"] == 0
        client.post("/predict", json={"text": "good"})
        assert (told(client)["texts"], told(client)["features"]["length"]["observed"]) == (1, [0, 1])


def test_two_processes_add_up(models_dir: Path, tmp_path: Path) -> None:
    flags = ["--models-dir", str(models_dir), "--model", "small", "--workers", "2", "--request-log", "false"]
    with running(*flags, TMPDIR=str(tmp_path)) as service:
        sent = 0

        def both_have_some() -> bool:
            nonlocal sent
            with service.client() as client:  # a new connection, which any process may take
                assert client.post("/predict", json={"texts": EVEN[:100]}).status_code == 200
            sent += 100
            tallies = [json.loads(path.read_bytes()) for path in tmp_path.glob("sentiment-*/drift/[0-9]*")]
            return sum("small/1" in tally for tally in tallies) == 2 and sent >= ENOUGH_TEXTS

        def read() -> dict[str, Any]:
            with service.client() as client:
                return dict(client.get("/models/small/drift").json()["versions"][0])

        until(both_have_some)
        until(lambda: read()["texts"] == sent)
        assert read()["features"]["label"]["observed"] == [0.5, 0.5]
        with service.client() as client:
            assert f'sentiment_drift_texts{{model="small",version="1"}} {sent}.0' in client.get("/metrics").text


@pytest.fixture(scope="module")
def films(imdb_data_dir: Path) -> list[str]:
    """Reviews of the test split, in a random order: of those that it was trained on, a model is surer."""
    both = load_texts(imdb_data_dir)
    assert both
    return random.Random(1).sample(both[1], 4_000)  # noqa: S311 (it draws a sample)


@pytest.fixture
def committed_anew() -> Iterator[TestClient]:
    with TestClient(create_app(Settings(models_dir=MODELS_DIR, request_log=False))) as client:
        yield client


def read_by(client: TestClient, texts: Sequence[str], version: int, name: str = "imdb-conv1d") -> dict[str, float]:
    for start in range(0, len(texts), 500):
        body = {"texts": texts[start : start + 500], "model": name, "version": version}
        assert client.post("/predict", json=body).status_code == 200
    return indices(client, version, name)


@pytest.mark.parametrize("version", [1, 3])
def test_imdb_against_other_reviews_of_imdb_stays_quiet(films: list[str], version: int, tmp_path: Path) -> None:
    copied = shutil.copytree(MODELS_DIR / "imdb-conv1d" / str(version), tmp_path / "imdb-conv1d" / str(version))
    add_histograms(copied, films[1_000:], "the other reviews")
    with started(tmp_path, model="imdb-conv1d") as client:
        assert max(read_by(client, films[:1_000], version).values()) < 0.1


def test_korean_against_korean_stays_quiet(committed_anew: TestClient, nsmc_data_dir: Path) -> None:
    train, _ = read_reviews(nsmc_data_dir)
    texts = random.Random(1).sample([text for text in train.texts if text.strip()], 1_500)  # noqa: S311
    assert max(read_by(committed_anew, texts, 2, "nsmc-conv1d").values()) < 0.1


@pytest.mark.parametrize("version", [1, 3])
def test_korean_text_rings(committed_anew: TestClient, nsmc_data_dir: Path, version: int) -> None:
    train, _ = read_reviews(nsmc_data_dir)
    texts = [text for text in train.texts if text.strip()][:600]
    found = read_by(committed_anew, texts, version)
    assert min(found["probability"], found["length"], found["known_words"]) > RINGS


@pytest.mark.parametrize("version", [1, 3])
def test_shuffled_letters_ring(committed_anew: TestClient, films: list[str], version: int) -> None:
    def shuffled(word: str) -> str:
        return "".join(random.Random(word).sample(word, len(word)))  # noqa: S311

    found = read_by(committed_anew, [" ".join(map(shuffled, text.split())) for text in films[:600]], version)
    assert min(found["probability"], found["known_words"]) > RINGS


@pytest.mark.parametrize("version", [1, 3])
def test_short_texts_of_another_subject_ring(committed_anew: TestClient, version: int) -> None:
    pick = random.Random(1)  # noqa: S311
    dishes, words = ["soup", "ramen", "tiramisu", "risotto", "gyoza"], ["cold", "delicious", "overcooked", "salty"]
    texts = [f"The {pick.choice(dishes)} was {pick.choice(words)}, and the waiter was rude." for _ in range(1_000)]
    assert read_by(committed_anew, texts, version)["length"] > RINGS
