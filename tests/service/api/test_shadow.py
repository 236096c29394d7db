"""Comparison of a shadow, over HTTP and over processes."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.server.application import create_app
from service.settings import Settings
from tests.service.conftest import BundleFolder, write_korean_bundle, write_small_bundle
from tests.service.running import running, until

TEXTS = ["good", "bad", "good good"]


@pytest.fixture
def models_dir(small: BundleFolder) -> Path:
    write_small_bundle(small.path.parents[1], version=2, bias=-3.0)
    rollout = {"labels": {"next": 2}, "serve": 1, "shadow": {"version": "next", "share": 1.0}}
    (small.path.parent / "rollout.json").write_text(json.dumps(rollout))
    return small.path.parents[1]


def started(models_dir: Path, **settings: Any) -> TestClient:
    return TestClient(create_app(Settings(models_dir=models_dir, request_log=False, **{"model": "small", **settings})))


def told(client: TestClient, name: str = "small") -> dict[str, Any]:
    return dict(client.get(f"/models/{name}/shadow").json())


def test_a_shadow_tells_how_its_answers_differ(models_dir: Path, tmp_path: Path) -> None:
    flips = tmp_path / "flips.ndjson"
    with started(models_dir, shadow_sample=flips) as client:
        client.post("/predict", json={"texts": TEXTS})
        client.post("/predict?version=2", json={"text": "good"})  # not of the version that is compared
        client.post("/predict/batch", content="good\n", headers={"Content-Type": "text/plain"})
        until(lambda: told(client)["texts"] == 4)
        shadow = told(client)
        metrics = client.get("/metrics").text
        assert client.get("/models/small/rollout").json()["shadow"] == {"version": "next", "share": 1.0}
    assert (shadow["version"], shadow["shadow_version"], shadow["share"]) == (1, 2, 1.0)
    assert (shadow["dropped"], shadow["flips"], shadow["flip_share"]) == (0, 2, 0.5)
    low, high = shadow["flip_share_interval"]
    assert 0 < low < 0.5 < high < 1
    assert 0 < shadow["mean_difference"] < shadow["largest_difference"] < 1
    assert shadow["seconds_per_text"] > 0 < shadow["shadow_seconds_per_text"]
    assert [json.loads(line)["text"] for line in flips.read_text().splitlines()] == ["good", "good"]
    pair = 'model="small",{}shadow_version="2",version="1"'
    assert f"sentiment_shadow_texts_total{{{pair.format('outcome=^flip^,'.replace('^', chr(34)))}}} 2.0" in metrics
    assert f"sentiment_shadow_difference_count{{{pair.format('')}}} 4.0" in metrics
    assert 'sentiment_predictions_total{label="negative",model="small",version="2"} 1.0' in metrics  # asked for


def test_without_a_shadow_all_is_null_and_an_unknown_model_is_told(models_dir: Path) -> None:
    (models_dir / "small" / "rollout.json").unlink()
    with started(models_dir) as client:
        client.post("/predict", json={"texts": TEXTS})
        shadow = told(client)
        assert client.get("/models/other/shadow").status_code == 404
    assert set(shadow.values()) == {None}
    assert "flips" in shadow


def test_each_text_is_read_by_the_shadow_of_the_model_that_answered_it(models_dir: Path) -> None:
    for version in (1, 2):
        write_korean_bundle(models_dir, version=version)
    rule = {"serve": 1, "shadow": {"version": 2, "share": 1.0}}
    (models_dir / "small-korean" / "rollout.json").write_text(json.dumps(rule))
    with started(models_dir, model="auto") as client:
        client.post("/predict", json={"texts": [*TEXTS, "좋다"]})
        until(lambda: told(client)["texts"] == len(TEXTS) and told(client, "small-korean")["texts"] == 1)
        assert told(client, "small-korean")["flips"] == 0


def test_nothing_is_written_unless_the_setting_says_so(models_dir: Path, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    with started(models_dir) as client:
        client.post("/predict", json={"text": "good"})
        until(lambda: told(client)["flips"] == 1)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


def test_two_processes_add_up_also_when_one_has_ended(models_dir: Path, tmp_path: Path) -> None:
    flags = ["--models-dir", str(models_dir), "--model", "small", "--workers", "2", "--request-log", "false"]
    with running(*flags, TMPDIR=str(tmp_path)) as service:
        sent = 0

        def compared() -> list[int]:
            """Texts compared by each process."""
            tallies = [json.loads(path.read_bytes()) for path in tmp_path.glob("sentiment-*/shadow/[0-9]*")]
            return [sum(tally["small"]["differences"]["counts"]) for tally in tallies if "small" in tally]

        def ask() -> bool:
            nonlocal sent
            with service.client() as client:  # a new connection, which any process may take
                assert client.post("/predict", json={"texts": TEXTS}).status_code == 200
            sent += len(TEXTS)
            return sum(map(bool, compared())) == 2

        def read() -> int:
            with service.client() as client:
                shadow = client.get("/models/small/shadow").json()
            assert shadow["dropped"] == 0
            return int(shadow["texts"])

        until(ask)
        until(lambda: read() == sent)
        killed = service.workers()[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(service.workers()) == 2 and killed not in service.workers())
        assert read() == sent
