"""A small network with numbers by chance, as a trained one would be exported."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.ngrams import NgramTable
from tests.training.conftest import TINY_NETWORK
from training.repeatable import make_repeatable
from training.wide_deep.corpus import Corpus
from training.wide_deep.network import WIDE_COLUMNS
from training.wide_deep.student import build_student, whole_network

BY_LENGTH = np.array([[1.0, 0.2, -0.1], [0.3, -0.2, 0.1]])
"""Numbers that join convolutions and n-grams."""


@dataclass(frozen=True)
class Whole:
    """A whole network, the student that it was made of, and its n-grams."""

    model: keras.Model
    student: keras.Model
    keys: NDArray[np.int64]
    table: NgramTable

    def answers(self, token_ids: NDArray[np.int32], layer: str = "probability") -> NDArray[np.float32]:
        """Keras's, of padded texts."""
        model = keras.Model(self.model.inputs, self.model.get_layer(layer).output)
        found: NDArray[np.float32] = np.asarray(model([token_ids, self.table.look_up(token_ids)]))[:, 0]
        return found


@pytest.fixture(scope="session")
def whole() -> Whole:
    recipe, random = TINY_NETWORK, np.random.default_rng(1)
    make_repeatable(recipe.seed)
    orders = Corpus(texts_of_every_length()).ngram_keys(recipe.max_order, recipe.num_words)[1:]
    keys = np.unique(np.concatenate([order[order >= 0] for order in orders]))
    keys = np.sort(random.permutation(keys)[: recipe.max_ngrams])
    vectors = random.normal(0, 0.8, (recipe.num_words, recipe.embedding_dim)).astype(np.float32)
    vectors[0] = 0
    student = build_student(recipe, vectors, recipe.num_words + len(keys))
    table = random.normal(0, 0.3, (recipe.num_words + len(keys), WIDE_COLUMNS))
    model = whole_network(recipe, student, table, BY_LENGTH)
    return Whole(model, student, keys, NgramTable(keys, recipe.max_order, recipe.num_words))


def texts_of_every_length() -> list[NDArray[np.int64]]:
    """Random texts of 1 to maxlen ids, the start id first."""
    random = np.random.default_rng(2)
    lengths = range(1, TINY_NETWORK.maxlen + 1)
    return [np.concatenate([[1], random.integers(2, TINY_NETWORK.num_words, length - 1)]) for length in lengths]
