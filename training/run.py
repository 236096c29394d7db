"""One training run from data to bundle, in a folder of its own."""

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from training.data_sets import DATA_SETS, DataSet
from training.errors import RunError
from training.explore import data_facts
from training.export import Reference, write_bundle
from training.lecture import train_lecture
from training.recipes import LectureRecipe, Recipe, WideDeepRecipe
from training.record import Record, run_pictures
from training.short_texts import short_texts
from training.trained import Trained
from training.wide_deep.train import ShortTexts, TrainingReviews, cross_validate, judge_wide_deep, train_wide_deep

_LIBRARIES = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "numpy")


@dataclass(frozen=True)
class Outcome:
    """What a finished run reports."""

    metrics: dict[str, Any]
    graphs: dict[str, dict[str, Any]]  # by precision
    bundle: Path
    report: Path


def train(recipe: Recipe, data_dir: Path | None, run_dir: Path, models_dir: Path, resume: bool) -> Outcome:
    """Data, model, fit, evaluate, export.

    Args:
        recipe: all choices.
        data_dir: folder of the data set; None lets Keras download it.
        run_dir: gets the Keras model, history, recipe, versions, metrics, facts of the data, and pictures.
        models_dir: gets the bundle, `<name>/<version>`, and the run's report, `<name>/reports/<version>`.
        resume: go on with the run that `run_dir` holds, from its last whole epoch.

    Raises:
        TrainingError: of the kind that says what to mend.
    """
    _check_run(recipe, run_dir, resume)
    data = DATA_SETS[recipe.data_set](recipe, data_dir)
    _begin_run(recipe, run_dir)  # only now: a wrong data folder leaves no run behind
    trained = _fit(recipe, data, run_dir)
    reviews, labels = data.test
    print(f"Evaluating on {len(labels):,} test reviews, exporting, and comparing with Keras")
    reference = Reference(
        probabilities=trained.predict(reviews),
        texts=data.test_texts,
        labels=labels,
        lengths=np.array([len(review) for review in reviews]),
        exact=data.exact,
        short_texts=data.short_texts,
    )
    bundle = models_dir / recipe.model_name / str(recipe.model_version)
    report = models_dir / recipe.model_name / "reports" / str(recipe.model_version)
    exported = write_bundle(trained.graphs, recipe, data.reading, reference, _libraries(), bundle, trained.held_out)
    record = Record(exported.metrics, trained.history, data_facts(data.train, data.test, recipe.maxlen))
    pictures = run_pictures(record)
    for folder in (run_dir, report):
        folder.mkdir(parents=True, exist_ok=True)
        _write_json(folder / "history.json", record.history)
        _write_json(folder / "metrics.json", record.metrics)
        _write_json(folder / "data.json", record.data)
        for picture in pictures:
            picture.write(folder)
    return Outcome(exported.metrics, exported.graphs, bundle, report)


def judge(recipe: WideDeepRecipe, data_dir: Path | None, run_dir: Path, folds: int | None) -> dict[str, Any]:
    """Judges a recipe by training reviews that it holds out; the test reviews are not looked at.

    Args:
        recipe: all choices.
        data_dir: folder of the data set; None lets Keras download it.
        run_dir: gets the metrics.
        folds: all reviews are held out in so many turns; None holds out once what decides how the paths are joined.

    Returns:
        The metrics.

    Raises:
        TrainingError: of the kind that says what to mend.
    """
    data = DATA_SETS[recipe.data_set](recipe, data_dir)
    _begin_run(recipe, run_dir)
    reviews = _training_reviews(data)
    metrics = cross_validate(recipe, reviews, folds) if folds else judge_wide_deep(recipe, reviews).metrics
    _write_json(run_dir / "held_out.json", metrics)
    return metrics


def _check_run(recipe: Recipe, run_dir: Path, resume: bool) -> None:
    recorded = run_dir / "recipe.json"
    if recorded.exists() and not resume:
        raise RunError(f"{run_dir} holds a run already: --resume goes on with it, --run-dir names another.")
    if resume and not recorded.exists():
        raise RunError(f"{run_dir} holds no run to go on with.")
    if resume and json.loads(recorded.read_text()) != recipe.as_dict():
        raise RunError(f"{run_dir} was begun with another recipe ({recorded}).")


def _begin_run(recipe: Recipe, run_dir: Path) -> None:
    run_dir.mkdir(parents=True, exist_ok=True)
    _write_json(run_dir / "recipe.json", recipe.as_dict())
    _write_json(run_dir / "versions.json", _libraries())


def _fit(recipe: Recipe, data: DataSet, run_dir: Path) -> Trained:
    """Fits the recipe's kind of network."""
    if isinstance(recipe, LectureRecipe):
        return train_lecture(recipe, data.train, data.test, run_dir)
    assert isinstance(recipe, WideDeepRecipe)  # noqa: S101
    return train_wide_deep(recipe, _training_reviews(data), run_dir)


def _training_reviews(data: DataSet) -> TrainingReviews:
    """What is fitted and held out of a data set, with sentences out of it where there is raw text."""
    drawn = short_texts(data.train_texts, data.train[1]) if data.train_texts else {}
    short = {name: ShortTexts(data.encode(some.texts), some.labels, some.reviews) for name, some in drawn.items()}
    return TrainingReviews(*data.train, data.encode, short, data.films)


def _libraries() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
