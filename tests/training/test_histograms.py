"""Reference histograms: of held-out texts, read as the service reads them."""

import json
from pathlib import Path

import numpy as np
import pytest

from service.inference.bundle import open_bundle
from service.inference.histograms import binned
from service.inference.predictor import Predictor
from tests.service.conftest import write_small_bundle
from tests.training.test_run import training
from training import histograms as module
from training.errors import ExportError
from training.export import add_histograms
from training.histograms import MIN_TEXTS, text_histograms

TEXTS = [
    " ".join(["good"] * (number % 7) + ["bad"] * (number % 3) + ["unheard"] * (number % 2)) for number in range(700)
]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_small_bundle(tmp_path / "models").path


@pytest.fixture
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEXTS_PER_BIN", 10)
    monkeypatch.setattr(module, "MIN_TEXTS", 20)


def test_the_bins_of_each_feature_hold_what_the_model_makes_of_the_texts(bundle: Path) -> None:
    predictor = Predictor.load(open_bundle(bundle), "float32")
    found = text_histograms(predictor, TEXTS, "test")
    assert found
    predictions = predictor.predict(TEXTS)
    expected = {
        "probability": [prediction.probability for prediction in predictions],
        "length": [len(encoded.token_ids) for encoded in predictor.encode(TEXTS)],
        "known_words": [each.known_words / each.words if each.words else 0.0 for each in predictions],
        "label": [float(prediction.label == "positive") for prediction in predictions],
    }
    for name, histogram in found.features().items():
        assert sum(histogram.counts) == len(TEXTS) == found.texts
        assert list(histogram.counts) == binned(histogram.bounds, np.array(expected[name])).tolist()
        assert len(histogram.bounds) <= module.MAX_BINS - 1
    assert found.label.bounds == (0.5,)


def test_distinct_values_are_divided_evenly() -> None:
    assert module._histogram(np.arange(1_000.0)).counts == (100,) * 10
    assert len(module._histogram(np.arange(150.0)).counts) == 3  # with few texts there are few bins


def test_too_few_texts_make_none(bundle: Path) -> None:
    predictor = Predictor.load(open_bundle(bundle), "float32")
    assert text_histograms(predictor, TEXTS[: MIN_TEXTS - 1], "test") is None
    with pytest.raises(ExportError, match="99 texts are too few for histograms; 100 are enough"):
        add_histograms(bundle, TEXTS[: MIN_TEXTS - 1], "test")


def test_a_finished_bundle_gets_them_and_changes_in_nothing_else(bundle: Path) -> None:
    before = open_bundle(bundle).manifest
    written = add_histograms(bundle, TEXTS, "test")
    assert written.manifest.histograms
    assert written.manifest.model_copy(update={"histograms": None}) == before
    assert sorted(path.name for path in bundle.iterdir()) == sorted([*before.files, "manifest.json"])


@pytest.mark.usefixtures("few_are_enough")
def test_the_command_takes_the_test_split_of_a_data_set(bundle: Path, data_dir: Path) -> None:
    done = training("histograms", bundle, "--data", "imdb", "--data-dir", data_dir)
    assert (done.code, done.stdout) == (0, f"{bundle}: histograms of 80 texts\n")
    histograms = json.loads((bundle / "manifest.json").read_text())["histograms"]
    assert (histograms["source"], histograms["texts"]) == ("test split of imdb", 80)


def test_a_model_of_other_data_is_told_what_to_do(bundle: Path) -> None:
    assert "'' is no data set of this project" in training("histograms", bundle).stderr
    assert "'other' is no data set of this project" in training("histograms", bundle, "--data", "other").stderr
