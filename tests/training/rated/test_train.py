"""The command line with a recipe that learns from ratings: from texts to the bundle that the service opens."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from service.explain.first_layer import strongest_filters
from service.explain.occlusion import explain
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from tests.training.rated.conftest import BAD, GOOD, LABELLED, TINY_RATED
from tests.training.test_run import Finished, training
from training.data.nsmc_reviews import NsmcReviews
from training.errors import DataError
from training.rated.answers import RatedAnswers
from training.rated.sources import read_sources
from training.rated.train import fit_parts, gather, judge_rated
from training.recipes import RECIPES
from training.wide_deep.joined import Parts
from training.wide_deep.wide import Wide

RECIPE = replace(TINY_RATED, name="korean")
ALONE = replace(TINY_RATED, name="korean-standard", teacher_share=0.0, rated_weight=0.0)


@dataclass(frozen=True)
class Run:
    """A whole run."""

    folder: Path
    finished: Finished

    @property
    def bundle(self) -> Path:
        return self.folder / "models" / RECIPE.model_name / str(RECIPE.model_version)

    def predictor(self, precision: str = "float32") -> Predictor:
        return Predictor.load(open_bundle(self.bundle), precision)


@pytest.fixture(scope="module", autouse=True)
def _answers(nsmc_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Answers of a teacher that is right, and the small recipes."""
    sources = read_sources(nsmc_folder, RECIPE.validation_share)
    path = tmp_path_factory.mktemp("answers") / "answers.npz"
    logits = np.array([3.0 if GOOD in text else -3.0 for text in sources.texts], np.float32)
    RatedAnswers(logits, sources.digest).write(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "korean", RECIPE)
        patch.setitem(RECIPES, "korean-standard", ALONE)
        patch.setattr("training.rated.train.ANSWERS_FILE", path)
        yield


@pytest.fixture(scope="module")
def run(nsmc_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "run"
    return Run(folder, training("--recipe", "korean", "--data-dir", nsmc_folder, "--run-dir", folder))


def content(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def test_run_ends_well_and_leaves_a_whole_record(run: Run) -> None:
    assert (run.finished.code, run.finished.stderr) == (0, "")
    measured = content(run.folder / "metrics.json")
    assert f"Test accuracy {measured['accuracy']:.4f}, loss " in run.finished.stdout
    assert measured["accuracy"] > 0.9
    files = {
        "ngrams.npy",
        "models.npz",
        "student.keras",
        "recipe.json",
        "versions.json",
        "history.json",
        "held_out.json",
    }
    assert files <= {path.name for path in run.folder.iterdir()}
    assert content(run.folder / "recipe.json") == RECIPE.as_dict()


def test_the_bundle_says_what_was_measured(run: Run) -> None:
    manifest = open_bundle(run.bundle).manifest
    assert manifest.ngrams is not None
    assert manifest.ngrams.max_order == RECIPE.max_order
    assert manifest.metrics["test"] == content(run.folder / "metrics.json")
    assert manifest.metrics["validation"] == content(run.folder / "held_out.json")
    assert manifest.metrics["validation"]["reviews"] == round(RECIPE.validation_share * LABELLED)
    assert manifest.recipe == RECIPE.as_dict()


def test_every_graph_of_the_bundle_answers_as_the_trained_network(run: Run) -> None:
    student, keys = keras.models.load_model(run.folder / "student.keras"), np.load(run.folder / "ngrams.npy")
    parts = Parts(RECIPE, student, keys, Wide.load(run.folder / "models.npz"))
    numbers = np.load(run.folder / "held_out/numbers.npy")
    texts = [GOOD, BAD, f"영화 {GOOD} 배우", f"{BAD} 음악", "그 영화 " * 30]
    for precision in open_bundle(run.bundle).manifest.graphs:
        predictor = run.predictor(precision)
        together = predictor.predict(texts)
        for text, encoded, prediction in zip(texts, predictor.encode(texts), together, strict=True):
            [logit] = parts.terms([encoded.token_ids.astype(np.int64)]) @ numbers
            tolerance = 2e-3 if precision != "int8" else 0.1  # n-gram weights are rounded to 16 bits
            assert prediction.probability == pytest.approx(1 / (1 + np.exp(-logit)), abs=tolerance)
            if precision != "reference":  # whose bits may depend on the padding
                assert predictor.predict([text]) == [prediction]
    assert together[4].truncated
    assert together[2].probability > 0.5 > together[3].probability


def test_the_bundle_explains_a_text_and_shows_its_first_layer(run: Run) -> None:
    predictor = run.predictor()
    text = f"영화 {GOOD} 배우 {BAD}"
    explanation = explain(predictor, text)
    assert any(word.contribution for word in explanation.words)
    ids = predictor.encode([text])[0].token_ids
    shown = strongest_filters(predictor, ids, 100)
    assert {match.layer for match in shown} == {"conv1", "conv2", "conv3"}


def test_resuming_exports_the_same_network_without_training_it(
    run: Run, nsmc_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stage in ("fit_models", "judge_rated", "word_vectors"):
        monkeypatch.setattr(f"training.rated.train.{stage}", lambda *_: pytest.fail("a stage is done again"))
    choices = ("--recipe", "korean", "--data-dir", nsmc_folder, "--run-dir", run.folder, "--models-dir", tmp_path)
    finished = training(*choices, "--resume")
    assert (finished.code, finished.stderr) == (0, "")
    again = open_bundle(tmp_path / RECIPE.model_name / str(RECIPE.model_version)).manifest
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
def unseen_test_half(monkeypatch: pytest.MonkeyPatch) -> None:
    def train_half(data_set: NsmcReviews, *choices: Any) -> Any:
        unseen: Any = Unseen()
        return replace(load(data_set, *choices), test=unseen, test_texts=unseen, exact=unseen)

    load = NsmcReviews.load
    monkeypatch.setattr(NsmcReviews, "load", train_half)


@pytest.mark.usefixtures("unseen_test_half")
def test_held_out_judges_by_training_reviews_alone_and_prints_a_table(
    run: Run, nsmc_folder: Path, tmp_path: Path
) -> None:
    finished = training(
        "--recipe", "korean", "--data-dir", nsmc_folder, "--run-dir", tmp_path / "held-out", "--held-out"
    )
    assert (finished.code, finished.stderr) == (0, "")
    measured = content(tmp_path / "held-out/held_out.json")
    assert measured == content(run.folder / "held_out.json")  # a whole run judges so as well
    head, row = finished.stdout.splitlines()[-2:]
    assert head.split() == ["held", "out", "texts", "accuracy", "positive", "calibration", "error"]
    assert row.startswith("whole reviews")
    assert row.split()[2:4] == [str(measured["reviews"]), f"{measured['accuracy']:.4f}"]


def test_no_held_out_review_is_learnt_from(nsmc_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    material = gather(RECIPE, RECIPE.data_set.load(nsmc_folder, RECIPE.num_words), nsmc_folder)
    seen = []

    def noting(recipe: Any, given: Any, run_dir: Path) -> Any:
        seen.append(given)
        return fit_parts(recipe, given, run_dir)

    monkeypatch.setattr("training.rated.train.fit_parts", noting)
    judge_rated(RECIPE, material, tmp_path)
    [given] = seen
    held_out = {material.texts.token_ids[row].tobytes() for row in material.held_out}
    fitted = [material.texts.token_ids[row].tobytes() for row in material.fitted]
    assert [ids.tobytes() for ids in given.texts.token_ids] == fitted
    assert not held_out & {ids.tobytes() for ids in given.rated.token_ids}
    assert material.unlike is not None
    assert len(given.rated.token_ids) == len(given.ratings) == len(material.unlike)


def test_without_ratings_the_labelled_reviews_alone_are_read(
    nsmc_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.rated.train.read_sources", lambda *_: pytest.fail("the ratings were read"))
    choices = ("--recipe", "korean-standard", "--data-dir", nsmc_folder, "--run-dir", tmp_path / "run", "--held-out")
    assert training(*choices).code == 0
    assert content(tmp_path / "run/held_out.json")["accuracy"] > 0.8


def test_a_part_of_the_reviews_is_refused_where_answers_are_of_all(nsmc_folder: Path, tmp_path: Path) -> None:
    choices = ("--recipe", "korean", "--data-dir", nsmc_folder, "--run-dir", tmp_path / "run", "--max-reviews", "20")
    refused = training(*choices)
    assert refused.code == 1
    assert "korean-standard takes labelled reviews alone" in refused.stderr


def test_answers_about_other_texts_are_refused(
    nsmc_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RatedAnswers(np.zeros(3, np.float32), "other").write(tmp_path / "answers.npz")
    monkeypatch.setattr("training.rated.train.ANSWERS_FILE", tmp_path / "answers.npz")
    data = RECIPE.data_set.load(nsmc_folder, RECIPE.num_words)
    with pytest.raises(DataError, match="about other texts"):
        gather(RECIPE, data, nsmc_folder)


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
