"""Do one training run, from data to bundle, in a folder of its own."""

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from training.data.data_set import Reviews
from training.errors import DataError, RunError
from training.explore import data_facts
from training.export import Reference, write_bundle
from training.lecture.train import train_lecture
from training.rated.train import gather as gather_rated
from training.rated.train import judge_rated, train_rated
from training.recipes import LectureRecipe, NetworkRecipe, RatedRecipe, Recipe, TaughtRecipe
from training.report.record import RunRecord, run_pictures, write_report
from training.taught.train import gather, judge_taught, train_taught
from training.trained import Trained

_LIBRARIES = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "numpy")


@dataclass(frozen=True)
class Outcome:
    """Hold what a finished run reports."""

    metrics: dict[str, Any]
    graphs: dict[str, dict[str, Any]]  # by precision
    bundle: Path
    report: Path


def train(
    recipe: Recipe,
    data_dir: Path | None,
    run_dir: Path,
    models_dir: Path,
    resume: bool,
    treebank_dir: Path | None = None,
) -> Outcome:
    """Read the data, fit the network, evaluate it and export it.

    Args:
        recipe: all choices.
        data_dir: folder of the data set; None lets Keras download it.
        run_dir: gets the Keras model, history, recipe, versions, metrics, facts of the data, and pictures.
        models_dir: gets the bundle, `<name>/<version>`, and the run's report, `<name>/reports/<version>`.
        resume: go on with the run that `run_dir` holds, from its last whole epoch.
        treebank_dir: folder of the Stanford Sentiment Treebank, for a recipe that learns from it.

    Raises:
        TrainingError: data, run folder or exported model cannot be used.
    """
    _check_run(recipe, run_dir, resume)
    data = recipe.data_set.load(data_dir, recipe.num_words, recipe.max_reviews)
    _begin_run(recipe, run_dir)  # only now: a wrong data folder leaves no run behind
    trained = _fit(recipe, data, run_dir, data_dir, treebank_dir)
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
    exported = write_bundle(
        trained.graphs, recipe, data.tokenizer_config, reference, _libraries(), bundle, trained.held_out
    )
    record = RunRecord(exported.metrics, trained.history, data_facts(data.train, data.test, recipe.maxlen))
    pictures = run_pictures(record)
    for folder in (run_dir, report):
        write_report(record, pictures, folder)
    return Outcome(exported.metrics, exported.graphs, bundle, report)


def judge(
    recipe: NetworkRecipe, data_dir: Path | None, run_dir: Path, treebank_dir: Path | None = None
) -> dict[str, Any]:
    """Measure a recipe on training reviews that it holds out; the test reviews are not used.

    Args:
        recipe: all choices.
        data_dir: folder of the data set; None lets Keras download it.
        run_dir: gets the metrics.
        treebank_dir: folder of the Stanford Sentiment Treebank, for a recipe that learns from it.

    Returns:
        The metrics.

    Raises:
        TrainingError: data, run folder or exported model cannot be used.
    """
    match recipe:
        case TaughtRecipe():
            material = gather(recipe, *_folders(data_dir, treebank_dir))
            _begin_run(recipe, run_dir)
            metrics = judge_taught(recipe, material, run_dir)
        case RatedRecipe():
            data = recipe.data_set.load(data_dir, recipe.num_words, recipe.max_reviews)
            rated = gather_rated(recipe, data, data_dir)
            _begin_run(recipe, run_dir)
            metrics = judge_rated(recipe, rated, run_dir)
        case _:
            raise _unknown(recipe)
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


def _fit(recipe: Recipe, data: Reviews, run_dir: Path, data_dir: Path | None, treebank_dir: Path | None) -> Trained:
    """Fit the recipe's kind of network."""
    match recipe:
        case LectureRecipe():
            return train_lecture(recipe, data.train, data.test, run_dir)
        case TaughtRecipe():
            return train_taught(recipe, gather(recipe, *_folders(data_dir, treebank_dir)), run_dir)
        case RatedRecipe():
            return train_rated(recipe, gather_rated(recipe, data, data_dir), run_dir)
    raise _unknown(recipe)


def _unknown(recipe: Recipe) -> RunError:
    return RunError(f"The recipe {recipe.name} is a {type(recipe).__name__}, which no network here is built from.")


def _folders(data_dir: Path | None, treebank_dir: Path | None) -> tuple[Path, Path]:
    """Check that both folders are named: Keras has no raw text, and no reviews without labels.

    Raises:
        DataError: one is not.
    """
    if data_dir is None or treebank_dir is None:
        raise DataError(
            "This recipe needs the raw reviews and the treebank: --data-dir or IMDB_DATA_DIR names the folder with "
            "reviews.parquet and unlabelled.parquet, --treebank-dir or SST_DATA_DIR the one with train.txt and dev.txt."
        )
    return data_dir, treebank_dir


def _libraries() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
