"""Fitting: the same seed gives the same weights, also to a run that was interrupted and continued."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.training.conftest import TINY, seeded
from training.lecture.fit import Padded, fit_epochs
from training.recipes import LECTURE, LectureRecipe
from training.trained import History

Fitted = tuple[keras.Model, History]


def random_reviews(recipe: LectureRecipe, count: int) -> Padded:
    random = np.random.default_rng(count)
    token_ids = random.integers(0, recipe.num_words, (count, recipe.maxlen), np.int32)
    return token_ids, np.arange(count) % 2


TRAIN, VALIDATION = random_reviews(TINY, 40), random_reviews(TINY, 16)


def fit_tiny(run_dir: Path, **changes: Any) -> Fitted:
    return fit_epochs(replace(TINY, **changes), TRAIN, VALIDATION, run_dir)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Two epochs without an interruption."""
    return fit_tiny(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def first_epoch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that has done the first of them; a test copies it."""
    folder = tmp_path_factory.mktemp("first-epoch")
    fit_tiny(folder, epochs=1)
    return folder


def assert_same(run: Fitted, other: Fitted) -> None:
    for weights, expected in zip(run[0].get_weights(), other[0].get_weights(), strict=True):
        np.testing.assert_array_equal(weights, expected)
    assert without_seconds(run[1]) == without_seconds(other[1])


def without_seconds(history: History) -> History:
    return {name: values for name, values in history.items() if name != "seconds"}


def test_same_seed_gives_the_same_weights(whole: Fitted, tmp_path: Path) -> None:
    assert_same(fit_tiny(tmp_path), whole)


def test_another_seed_gives_other_weights(whole: Fitted, tmp_path: Path) -> None:
    other, _ = fit_tiny(tmp_path, seed=TINY.seed + 1)
    for weights, others in zip(whole[0].get_weights(), other.get_weights(), strict=True):
        assert (weights != others).any()


def test_history_has_each_figure_of_each_epoch(whole: Fitted) -> None:
    model, history = whole
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(
        ("accuracy", "loss", "val_accuracy", "val_loss", "seconds"), 2
    )
    loss, accuracy = model.evaluate(*VALIDATION, verbose=0)
    assert (history["val_loss"][-1], history["val_accuracy"][-1]) == pytest.approx((loss, accuracy), rel=1e-5)


def test_each_epoch_has_its_own_order_of_the_reviews(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    orders: list[Any] = []
    original = keras.Sequential.fit

    def watched(model: keras.Model, reviews: Any, labels: Any, **choices: Any) -> Any:
        orders.append(reviews)
        return original(model, reviews, labels, **choices)

    monkeypatch.setattr(keras.Sequential, "fit", watched)
    fit_tiny(tmp_path)
    first, second = orders
    assert (first != second).any()
    for reviews in orders:
        assert sorted(reviews.tolist()) == sorted(TRAIN[0].tolist())


def test_continued_run_gives_what_an_uninterrupted_one_gives(
    whole: Fitted, first_epoch: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run_dir = shutil.copytree(first_epoch, tmp_path / "run")
    original = keras.Sequential.fit

    def stopped(*arguments: Any, **choices: Any) -> Any:
        original(*arguments, **choices)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keras.Sequential, "fit", stopped)
        with pytest.raises(KeyboardInterrupt):
            fit_tiny(run_dir)
    assert_same(fit_tiny(run_dir), whole)


def test_half_written_epoch_is_ignored_and_cleared_away(whole: Fitted, first_epoch: Path, tmp_path: Path) -> None:
    run_dir = shutil.copytree(first_epoch, tmp_path / "run")
    for name in ("002.partial", "007.partial"):
        (run_dir / "epochs" / name).mkdir()
        (run_dir / "epochs" / name / "model.keras").write_bytes(b"half of a model")
    assert_same(fit_tiny(run_dir), whole)
    assert [path.name for path in (run_dir / "epochs").iterdir()] == ["002"]


def test_finished_run_is_not_trained_again(first_epoch: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run_dir = shutil.copytree(first_epoch, tmp_path / "run")
    expected = fit_tiny(run_dir, epochs=1)
    monkeypatch.setattr(keras.Sequential, "fit", None)
    assert_same(fit_tiny(run_dir, epochs=1), expected)


def test_one_training_step_changes_every_weight_of_the_lectures_network() -> None:
    model = seeded(LECTURE, 1)
    before = model.get_weights()
    token_ids, labels = random_reviews(LECTURE, 8)
    token_ids[0] = np.arange(LECTURE.maxlen)
    token_ids[1] = np.arange(LECTURE.num_words - LECTURE.maxlen, LECTURE.num_words)  # so each word occurs
    model.train_on_batch(token_ids, labels)
    changed = {variable.path: variable.numpy() != old for variable, old in zip(model.weights, before, strict=True)}
    assert len(changed) == 15
    for path, weights in changed.items():
        assert weights.any(), path
    assert changed["imdb_conv1d/embedding/embeddings"].any(axis=1).all()
