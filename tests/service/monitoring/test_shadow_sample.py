import json
import os
import stat
from pathlib import Path

import pytest

from service.inference.bundle import open_bundle
from service.inference.predictor import Prediction, Predictor
from service.models.pair import Pair
from service.monitoring import shadow_sample
from service.monitoring.shadow_sample import ShadowSample
from service.settings import SettingsError
from tests.service.conftest import BundleFolder, write_small_bundle

FLIP = (Prediction("positive", 0.75, 1, 1, False), Prediction("negative", 0.25, 1, 1, False))


@pytest.fixture
def pair(small: BundleFolder) -> Pair:
    other = write_small_bundle(small.path.parents[1], version=2)
    answering, shadow = (Predictor.load(open_bundle(each.path), "float32") for each in (small, other))
    return Pair(answering, shadow, 1.0)


def test_each_flip_is_a_line_that_only_its_owner_reads(pair: Pair, tmp_path: Path) -> None:
    path = tmp_path / "flips.ndjson"
    ShadowSample(path).append(pair, [("a\nb", *FLIP)])
    ShadowSample(path).append(pair, [("좋다 \ud800", *FLIP)])
    lines = [json.loads(line) for line in path.read_bytes().decode("utf-8", "surrogatepass").splitlines()]
    assert [line.pop("text") for line in lines] == ["a\nb", "좋다 \ud800"]
    assert lines[0].pop("time").endswith("+00:00")
    assert lines[0] == {
        "model": "small",
        "version": 1,
        "shadow_version": 2,
        "label": "positive",
        "shadow_label": "negative",
        "probability": 0.75,
        "shadow_probability": 0.25,
    }
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_full_file_does_not_grow(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_sample, "MAX_SAMPLE_BYTES", 1_000)
    path = tmp_path / "flips.ndjson"
    sample = ShadowSample(path)
    for _ in range(3):
        sample.append(pair, [("good", *FLIP)] * 20)
    assert 700 < path.stat().st_size <= 1_000
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_a_file_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"SENTIMENT_SHADOW_SAMPLE: .* cannot be written"):
        ShadowSample(tmp_path / "nowhere" / "flips.ndjson")
    with pytest.raises(SettingsError, match="cannot be written"):
        ShadowSample(tmp_path)


def test_a_later_failure_is_logged_once(pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    sample = ShadowSample(folder / "flips.ndjson")
    (folder / "flips.ndjson").unlink()
    folder.rmdir()
    for _ in range(2):
        sample.append(pair, [("good", *FLIP)])
    assert caplog.text.count("flips are not written") == 1
    assert "good" not in caplog.text
