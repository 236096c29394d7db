"""Train the lecture's kind of network, from reviews to graphs."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.data_set import Split
from training.lecture.fit import fit_epochs
from training.lecture.graphs import lecture_graphs
from training.lecture.model import padded
from training.recipes import LectureRecipe
from training.trained import Trained


def train_lecture(recipe: LectureRecipe, train: Split, test: Split, run_dir: Path) -> Trained:
    """Fit the network and measure it after each epoch on the test reviews, as the lecture does.

    Args:
        recipe: all choices.
        train: reviews to fit.
        test: reviews to draw the curves on.
        run_dir: gets the model, after each epoch and at the end.
    """
    token_ids = padded(train[0], recipe)
    model, history = fit_epochs(recipe, (token_ids, train[1]), (padded(test[0], recipe), test[1]), run_dir)
    model.save(run_dir / "model.keras")

    def predict(reviews: NDArray[np.object_]) -> NDArray[np.float32]:
        probabilities: NDArray[np.float32] = model.predict(padded(reviews, recipe), batch_size=256)[:, 0]
        return probabilities

    return Trained(lecture_graphs(model, recipe, token_ids), predict, history)
