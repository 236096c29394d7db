"""Fit a network epoch after epoch and save each whole, so that an interrupted run loses at most one epoch."""

import json
import os
import shutil
import time
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from training.lecture.model import build_model
from training.recipes import LectureRecipe
from training.repeatable import make_repeatable
from training.trained import History

Padded = tuple[NDArray[np.int32], NDArray[np.int64]]
"""Padded reviews int32[n, maxlen] and labels int64[n]."""


def fit_epochs(recipe: LectureRecipe, train: Padded, validation: Padded, run_dir: Path) -> tuple[keras.Model, History]:
    """Train the recipe's network, or go on from the last whole epoch found in `run_dir/epochs`.

    The order of reviews in an epoch follows from the seed and the epoch's number alone, so a run that was
    interrupted and continued gives the weights of one that was not.

    Returns:
        The trained model and its history.
    """
    make_repeatable(recipe.seed)
    epochs_dir = run_dir / "epochs"
    model, history = _last_epoch(epochs_dir) or (build_model(recipe), {})
    reviews, labels = train
    for epoch in range(len(history.get("loss", [])), recipe.epochs):
        order = np.random.default_rng((recipe.seed, epoch)).permutation(len(labels))
        started = time.monotonic()
        result = model.fit(
            reviews[order],
            labels[order],
            batch_size=recipe.batch_size,
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,  # done above, in an order that a continued run finds again
            validation_data=validation,
        )
        values = {**result.history, "seconds": [round(time.monotonic() - started, 1)]}
        history = {name: history.get(name, []) + [float(v) for v in new] for name, new in values.items()}
        _save_epoch(epochs_dir, epoch + 1, model, history)
    return model, history


def _last_epoch(epochs_dir: Path) -> tuple[keras.Model, History] | None:
    done = sorted(path for path in epochs_dir.glob("[0-9]*") if path.suffix != ".partial")
    if not done:
        return None
    model = keras.models.load_model(done[-1] / "model.keras")
    return model, json.loads((done[-1] / "history.json").read_text())


def _save_epoch(epochs_dir: Path, epoch: int, model: keras.Model, history: History) -> None:
    """Save weights and history together, by one rename, and then delete the older epochs."""
    final = epochs_dir / f"{epoch:03d}"
    partial = final.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    model.save(partial / "model.keras")
    (partial / "history.json").write_text(json.dumps(history, indent=1))
    os.replace(partial, final)
    for older in epochs_dir.iterdir():
        if older != final:
            shutil.rmtree(older)
