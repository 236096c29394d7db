"""One training run from data to bundle, in a folder of its own."""

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.inference.keras_imdb import KerasImdbTokenizer
from training.corpora import words_by_id
from training.data import Split, every_word, load_data, load_texts, load_word_index
from training.errors import RunError
from training.explore import data_facts, decode
from training.export import Reference, ranked_words, tokenizer_spec, write_bundle
from training.lecture import train_lecture
from training.recipes import LectureRecipe, Recipe, WideDeepRecipe
from training.record import Record, run_pictures
from training.short_texts import short_texts
from training.trained import Trained
from training.wide_deep.train import ShortTexts, judge_wide_deep, train_wide_deep

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
    train_split, test_split = (
        (x[: recipe.max_reviews], y[: recipe.max_reviews]) for x, y in load_data(data_dir, num_words=recipe.num_words)
    )
    word_index = load_word_index(data_dir)
    _begin_run(recipe, run_dir)  # only now: a wrong data folder leaves no run behind
    raw = load_texts(data_dir)
    trained = _fit(recipe, train_split, test_split, raw[0][: recipe.max_reviews] if raw else None, word_index, run_dir)
    print(f"Evaluating on {len(test_split[1]):,} test reviews, exporting, and comparing with Keras")
    texts = raw[1][: recipe.max_reviews] if raw else _words(data_dir, recipe, word_index)
    reference = Reference(
        probabilities=trained.predict(test_split[0]),
        texts=texts,
        labels=test_split[1],
        lengths=np.array([len(review) for review in test_split[0]]),
        short_texts=short_texts(texts, test_split[1]) if raw else {},
    )
    bundle = models_dir / recipe.model_name / str(recipe.model_version)
    report = models_dir / recipe.model_name / "reports" / str(recipe.model_version)
    exported = write_bundle(trained.graphs, recipe, word_index, reference, _libraries(), bundle, trained.held_out)
    record = Record(exported.metrics, trained.history, data_facts(train_split, test_split, recipe.maxlen))
    pictures = run_pictures(record)
    for folder in (run_dir, report):
        folder.mkdir(parents=True, exist_ok=True)
        _write_json(folder / "history.json", record.history)
        _write_json(folder / "metrics.json", record.metrics)
        _write_json(folder / "data.json", record.data)
        for picture in pictures:
            picture.write(folder)
    return Outcome(exported.metrics, exported.graphs, bundle, report)


def judge(recipe: WideDeepRecipe, data_dir: Path | None, run_dir: Path) -> dict[str, Any]:
    """Judges a recipe by training reviews that it holds out; the test reviews are not looked at.

    Args:
        recipe: all choices.
        data_dir: folder of the data set; None lets Keras download it.
        run_dir: gets the metrics.

    Returns:
        The metrics.

    Raises:
        TrainingError: of the kind that says what to mend.
    """
    (reviews, labels), _ = load_data(data_dir, num_words=recipe.num_words)
    train = reviews[: recipe.max_reviews], labels[: recipe.max_reviews]
    word_index, raw = load_word_index(data_dir), load_texts(data_dir)
    texts = raw[0][: recipe.max_reviews] if raw else None
    _begin_run(recipe, run_dir)
    judged = judge_wide_deep(recipe, train, _encoded_short_texts(recipe, texts, train[1], word_index))
    _write_json(run_dir / "held_out.json", judged.metrics)
    return judged.metrics


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


def _fit(
    recipe: Recipe, train: Split, test: Split, texts: list[str] | None, word_index: dict[str, int], run_dir: Path
) -> Trained:
    """Fits the recipe's kind of network; `texts` are the training reviews as raw text, if there is any."""
    if isinstance(recipe, LectureRecipe):
        return train_lecture(recipe, train, test, run_dir)
    assert isinstance(recipe, WideDeepRecipe)  # noqa: S101
    return train_wide_deep(recipe, train, _encoded_short_texts(recipe, texts, train[1], word_index), run_dir)


def _encoded_short_texts(
    recipe: Recipe, texts: list[str] | None, labels: NDArray[np.int64], word_index: dict[str, int]
) -> dict[str, ShortTexts]:
    """Sentences out of the training reviews; none where there is no raw text."""
    if not texts:
        return {}
    tokenizer = KerasImdbTokenizer(ranked_words(word_index), tokenizer_spec(recipe))
    return {
        name: ShortTexts(
            [encoded.token_ids.tolist() for encoded in tokenizer.encode(drawn.texts)], drawn.labels, drawn.reviews
        )
        for name, drawn in short_texts(texts, labels).items()
    }


def _words(data_dir: Path | None, recipe: Recipe, word_index: dict[str, int]) -> list[str]:
    """The test reviews as their words, where there is no raw text, in the order of the padded ones."""
    _, (whole, _) = load_data(data_dir, num_words=every_word(word_index))
    words = words_by_id(word_index)
    return [decode(review[1:], words) for review in whole[: recipe.max_reviews]]


def _libraries() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
