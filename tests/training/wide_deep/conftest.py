"""Both paths, fitted once on the small data set, and the network that they become."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.ngrams import NgramTable
from tests.training.conftest import TINY_WIDE
from training.data.data_set import Split
from training.data.imdb import load_data
from training.wide_deep.fit import JoinedPaths, Paths, fit_paths, whole_network

NUMBERS = np.random.default_rng(1).normal(0, 0.05, (7, 3))
"""That join the paths: the deep one, regressions on crops and reviews, language models of three orders, and nothing."""
NUMBERS[0] = 1, 0.2, -0.1


@dataclass(frozen=True)
class Whole:
    """A whole network and the table of its n-grams."""

    model: keras.Model
    keys: NDArray[np.int64]
    table: NgramTable

    def answers(self, token_ids: NDArray[np.int32], layer: str = "probability") -> NDArray[np.float32]:
        """Keras's, of padded texts."""
        model = keras.Model(self.model.inputs, self.model.get_layer(layer).output)
        found: NDArray[np.float32] = np.asarray(model([token_ids, self.table.look_up(token_ids)]))[:, 0]
        return found


def whole_of(paths: Paths, numbers: NDArray[np.float64]) -> Whole:
    model, keys = whole_network(JoinedPaths(paths, numbers))
    return Whole(model, keys, NgramTable(keys, TINY_WIDE.max_order, TINY_WIDE.num_words))


@pytest.fixture(scope="session")
def reviews(data_dir: Path) -> Split:
    """The training reviews of the small data set."""
    return load_data(data_dir, num_words=TINY_WIDE.num_words)[0]


@pytest.fixture(scope="session")
def paths(reviews: Split) -> Paths:
    return fit_paths(TINY_WIDE, *reviews)


@pytest.fixture(scope="session")
def whole(paths: Paths) -> Whole:
    return whole_of(paths, NUMBERS)


def texts_of_every_length() -> list[NDArray[np.int64]]:
    """Random texts of 1 to maxlen ids, the start id first."""
    random = np.random.default_rng(2)
    lengths = range(1, TINY_WIDE.maxlen + 1)
    return [np.concatenate([[1], random.integers(2, TINY_WIDE.num_words, length - 1)]) for length in lengths]
