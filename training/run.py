"""One training run from data to bundle, in a folder of its own."""

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from training.corpora import words_by_id
from training.data import every_word, load_data, load_texts, load_word_index, padded
from training.errors import RunError
from training.explore import decode
from training.export import LABELS, Reference, write_bundle
from training.fit import fit
from training.plots import history_plots, metrics_plots
from training.recipes import Recipe

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
        run_dir: gets the Keras model, history, recipe, versions, metrics and plots.
        models_dir: gets the bundle, `<name>/<version>`, and the run's report, `<name>/reports/<version>`.
        resume: go on with the run that `run_dir` holds, from its last whole epoch.

    Raises:
        TrainingError: of the kind that says what to mend.
    """
    _check_run(recipe, run_dir, resume)
    train_split, test_split = (
        (x[: recipe.max_reviews], y[: recipe.max_reviews]) for x, y in load_data(data_dir, num_words=recipe.num_words)
    )
    word_index = load_word_index(data_dir)
    _begin_run(recipe, run_dir)  # only now: a wrong data folder leaves no run behind
    x_train, x_test = padded(train_split[0], recipe), padded(test_split[0], recipe)
    model, history = fit(recipe, (x_train, train_split[1]), (x_test, test_split[1]), run_dir)
    model.save(run_dir / "model.keras")
    print(f"Evaluating on {len(x_test):,} test reviews, exporting, and comparing with Keras")
    reference = Reference(
        probabilities=model.predict(x_test, batch_size=256)[:, 0],
        texts=_texts(data_dir, recipe, word_index),
        labels=test_split[1],
        lengths=np.array([len(review) for review in test_split[0]]),
    )
    bundle = models_dir / recipe.model_name / str(recipe.model_version)
    report = models_dir / recipe.model_name / "reports" / str(recipe.model_version)
    exported = write_bundle(model, recipe, word_index, reference, x_train, _libraries(), bundle)
    for folder in (run_dir, report):
        folder.mkdir(parents=True, exist_ok=True)
        _write_json(folder / "history.json", history)
        _write_json(folder / "metrics.json", exported.metrics)
        history_plots(history, folder)
        metrics_plots(exported.metrics, LABELS, folder)
    return Outcome(exported.metrics, exported.graphs, bundle, report)


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


def _texts(data_dir: Path | None, recipe: Recipe, word_index: dict[str, int]) -> list[str]:
    """The test reviews as text, in the order of the padded ones: raw where there is raw text, else their words."""
    if raw := load_texts(data_dir):
        return raw[1][: recipe.max_reviews]
    _, (whole, _) = load_data(data_dir, num_words=every_word(word_index))
    words = words_by_id(word_index)
    return [decode(review[1:], words) for review in whole[: recipe.max_reviews]]


def _libraries() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
