"""The command line with a wide and deep recipe: from raw text to the bundle that the service opens."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from service.explain.first_layer import strongest_filters
from service.explain.occlusion import explain
from service.inference.bundle import open_bundle
from service.inference.ngrams import NgramTable
from service.inference.predictor import Predictor
from tests.training.conftest import REVIEWS, TINY_WIDE, WORDS, write_data
from tests.training.test_run import Finished, training
from training.data.data_set import Reviews
from training.data.imdb import read_reviews, stored_positions
from training.data.imdb_reviews import ImdbReviews
from training.errors import DataError
from training.recipes import RECIPES

WIDE = replace(TINY_WIDE, name="korean", epochs=1)


@dataclass(frozen=True)
class Run:
    """A whole run, and its data with raw text: sentences of five words."""

    folder: Path
    data_dir: Path
    finished: Finished

    @property
    def bundle(self) -> Path:
        return self.folder / "models" / WIDE.model_name / str(WIDE.model_version)

    def predictor(self, precision: str = "float32") -> Predictor:
        return Predictor.load(open_bundle(self.bundle), precision)


def write_texts(data_dir: Path) -> Path:
    """Writes the data set and its raw text."""
    write_data(data_dir)
    arrays = read_reviews(data_dir)
    rows: dict[str, list[str]] = {"split": [], "text": []}
    for split in ("train", "test"):
        for ranks in arrays[f"x_{split}"]:
            words = [WORDS[rank - 1] for rank in ranks]
            sentences = [" ".join(words[start : start + 5]) for start in range(0, len(words), 5)]
            rows["split"].append(split)
            rows["text"].append(". ".join(sentences))
    pyarrow.parquet.write_table(pyarrow.table(rows), data_dir / "reviews.parquet")
    return data_dir


@pytest.fixture(scope="module", autouse=True)
def _tiny_recipe() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "korean", WIDE)
        yield


@pytest.fixture(scope="module")
def run(_tiny_recipe: None, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    data_dir = write_texts(folder / "data")
    return Run(
        folder / "run", data_dir, training("--recipe", "korean", "--data-dir", data_dir, "--run-dir", folder / "run")
    )


def content(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def test_run_ends_well_and_leaves_a_whole_record(run: Run) -> None:
    assert (run.finished.code, run.finished.stderr) == (0, "")
    assert f"Test accuracy {content(run.folder / 'metrics.json')['accuracy']:.4f}, loss " in run.finished.stdout
    files = {"model.keras", "ngrams.npy", "fitted.json", "recipe.json", "versions.json", "history.json", "metrics.json"}
    assert files <= {path.name for path in run.folder.iterdir()}
    assert content(run.folder / "recipe.json") == WIDE.as_dict()


def test_the_bundle_is_opened_by_the_service_and_says_what_was_measured(run: Run) -> None:
    manifest = open_bundle(run.bundle).manifest
    assert manifest.ngrams is not None
    assert manifest.ngrams.max_order == WIDE.max_order
    assert manifest.metrics["test"] == content(run.folder / "metrics.json")
    assert manifest.metrics["validation"] == content(run.folder / "fitted.json")["held_out"]
    names = ["one sentence", "two sentences", "last two sentences"]
    assert list(manifest.metrics["test"]["short_texts"]) == names
    assert list(manifest.metrics["validation"]["short_texts"]) == names
    assert manifest.recipe == WIDE.as_dict()


def test_every_graph_of_the_bundle_answers_as_the_saved_keras_model(run: Run) -> None:
    model, keys = keras.models.load_model(run.folder / "model.keras"), np.load(run.folder / "ngrams.npy")
    table = NgramTable(keys, WIDE.max_order, WIDE.num_words)
    texts = ["the", "don't", *(" ".join(WORDS[:3] * length) for length in (1, 5, 30)), "word6 word7 word8 word6"]
    manifest = open_bundle(run.bundle).manifest
    for precision in manifest.graphs:
        predictor = run.predictor(precision)
        together = predictor.predict(texts)
        for text, encoded, prediction in zip(texts, predictor.encode(texts), together, strict=True):
            token_ids = encoded.token_ids[None, -WIDE.maxlen :]
            expected = float(np.asarray(model([token_ids, table.look_up(token_ids)]))[0, 0])
            assert prediction.probability == pytest.approx(expected, abs=1e-5 if precision != "int8" else 0.1)
            if precision != "reference":  # whose bits may depend on the padding
                assert predictor.predict([text]) == [prediction]
    assert together[4].truncated


def test_of_a_text_that_is_too_long_the_last_ids_are_read(run: Run) -> None:
    predictor = run.predictor()
    tail = " ".join(["word6", "word7"] * (WIDE.maxlen // 2))
    [long, short] = predictor.predict(["don't the " * 30 + tail, tail + " word6 word7"])
    assert long.probability == short.probability


def test_the_bundle_explains_a_text_and_shows_its_first_layer(run: Run) -> None:
    predictor = run.predictor()
    explanation = explain(predictor, "the word6 the word7")
    assert any(word.contribution for word in explanation.words)
    assert explanation.from_graph
    for text in ("the", "the word6", "the word6 the word7"):
        ids = predictor.encode([text])[0].token_ids
        for match in strongest_filters(predictor, ids, 8):
            assert match.position < len(ids)
    shown = strongest_filters(predictor, ids, 100)
    assert {match.layer for match in shown} == {"conv1", "conv2", "conv3"}


def test_resuming_exports_the_same_network_without_fitting_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.wide_deep.train.fit_paths", None)
    choices = ("--recipe", "korean", "--data-dir", run.data_dir, "--run-dir", run.folder, "--models-dir", tmp_path)
    finished = training(*choices, "--resume")
    assert (finished.code, finished.stderr) == (0, "")
    again = open_bundle(tmp_path / WIDE.model_name / str(WIDE.model_version)).manifest
    before = open_bundle(run.bundle).manifest
    assert again.metrics == before.metrics
    assert again.files["ngrams.npy"] == before.files["ngrams.npy"]


class Unseen:
    """The test half: whoever looks at it fails."""

    def _fail(self, *_: object) -> Any:
        raise AssertionError("the test reviews were looked at")

    __getitem__ = __iter__ = __len__ = __getattr__ = __array__ = __bool__ = __eq__ = _fail
    __hash__ = object.__hash__


@pytest.fixture
def held_out(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Finished, Path]:
    def train_half(data_set: ImdbReviews, *choices: Any) -> Reviews:
        unseen: Any = Unseen()
        data = load(data_set, *choices)
        return replace(data, test=unseen, test_texts=unseen, exact=unseen, short_texts=unseen)

    load = ImdbReviews.load
    monkeypatch.setattr(ImdbReviews, "load", train_half)
    folder = tmp_path / "held-out"
    choices = ("--recipe", "korean", "--data-dir", run.data_dir, "--run-dir", folder, "--held-out")
    return training(*choices), folder


def test_films_are_held_out(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def held_out_films(*arguments: Any) -> Any:
        told.append(arguments[-1].tolist())
        raise DataError("that is enough")

    monkeypatch.setattr("training.wide_deep.train.held_out_films", held_out_films)
    choices = ("--recipe", "korean", "--data-dir", run.data_dir, "--run-dir", tmp_path / "films", "--held-out")
    assert training(*choices).code == 1
    assert told == [stored_positions(REVIEWS).tolist()]


def test_held_out_judges_by_training_reviews_alone_and_prints_a_table(
    run: Run, held_out: tuple[Finished, Path]
) -> None:
    finished, folder = held_out
    assert (finished.code, finished.stderr) == (0, "")
    measured = content(folder / "held_out.json")
    assert measured == content(run.folder / "fitted.json")["held_out"]  # a whole run judges so as well
    assert measured["reviews"] == round(REVIEWS * WIDE.validation_share)
    head, *rows = finished.stdout.splitlines()[-5:]
    assert head.split() == ["held", "out", "texts", "accuracy", "positive", "calibration", "error"]
    figures = {"whole reviews": measured, **measured["short_texts"]}
    assert [row[:20].rstrip() for row in rows] == list(figures)
    for row, each in zip(rows, figures.values(), strict=True):
        reviews, accuracy, positive, error = map(float, row[20:].split())
        assert reviews == each["reviews"]
        assert (accuracy, error) == (round(each["accuracy"], 4), round(each["calibration_error"], 4))
        assert positive == round(each["predicted_positive"], 3)
    assert {path.name for path in folder.iterdir()} == {"held_out.json", "recipe.json", "versions.json"}


def test_in_folds_every_training_review_is_held_out_once(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "folds"
    choices = ("--recipe", "korean", "--data-dir", run.data_dir, "--run-dir", folder, "--held-out", "--folds", "2")
    finished = training(*choices)
    assert (finished.code, finished.stderr) == (0, "")
    measured = content(folder / "held_out.json")
    assert measured["reviews"] == REVIEWS
    assert "Fold 2 of 2: fitting" in finished.stdout
    assert f"whole reviews        {REVIEWS:6,} {measured['accuracy']:9.4f}" in finished.stdout


def test_folds_are_of_what_is_held_out() -> None:
    refused = training("--recipe", "korean", "--folds", "5")
    assert refused.code == 2
    assert "--folds needs --held-out." in refused.stderr


def test_the_lecture_holds_nothing_out(tmp_path: Path) -> None:
    refused = training("--held-out", "--run-dir", tmp_path / "run")
    assert refused.code == 2
    assert "The recipe lecture holds no reviews out." in refused.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "other", [["--resume"], ["--models-dir", "models"], ["--models-dir", "models", "--new-version"]]
)
def test_held_out_makes_no_model_and_refuses_what_is_about_one(other: list[str]) -> None:
    refused = training("--recipe", "korean", "--held-out", *other)
    assert refused.code == 2
    assert "--held-out makes no model" in refused.stderr
