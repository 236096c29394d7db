"""The network while it is trained: convolutions and n-gram weights to one logit, all of them learnt together."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from training.recipes import NetworkRecipe
from training.wide_deep.form import from_8_bits, in_16_bits, vectors_in_8_bits
from training.wide_deep.lengths import LONGEST, SHORTEST, USUAL
from training.wide_deep.network import WIDE_COLUMNS, build_deep, build_whole

Tensor = Any
"""Input or output of a Keras layer."""

NGRAM_COLUMNS = 2
"""Weights of an n-gram: in a text of the usual length, and its change with the logarithm of the length."""


@keras.saving.register_keras_serializable("training")
class LearntJoin(keras.layers.Layer):  # type: ignore[misc]
    """The deep logit [batch, 1], n-gram sums [batch, 2] and token ids [batch, length] -> the logit, float32[batch, 1].

    As `training.wide_deep.network.Joined`, with numbers that are learnt with the rest.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        begin = keras.initializers.Constant([[1.0, 0, 0], [0, 0, 0]])
        self.by_length = self.add_weight(shape=(2, 3), initializer=begin, name="by_length")

    def get_config(self) -> dict[str, Any]:
        """Return what a copy is made with."""
        return dict(super().get_config())

    def call(self, inputs: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Compute it."""
        deep, sums, token_ids = inputs
        ids = ops.sum(ops.cast(token_ids > 0, "float32"), axis=1, keepdims=True)
        u = ops.log(ops.clip(ids, SHORTEST, LONGEST) / USUAL)
        powers = ops.concatenate([ops.ones_like(u), u, u * u], axis=1)
        weight, added = (ops.sum(powers * self.by_length[row], axis=1, keepdims=True) for row in (0, 1))
        return deep * weight + ops.sum(powers[:, :NGRAM_COLUMNS] * sums, axis=1, keepdims=True) + added


@keras.saving.register_keras_serializable("training")
class NgramWeights(keras.layers.Layer):  # type: ignore[misc]
    """int32[batch, any] -> float32[batch, 2]: the weights of n-grams, added up; while training some are left out.

    The layer holds the weights divided by a rate, as Adam moves each number by as much: where there is little to learn
    from, a rare n-gram is to move less than a filter; where there is much, more, as it is met so seldom.

    Args:
        rows: of the table.
        dropout: share of n-grams left out.
        rate: learning rate of the weights, of the others' rate.
    """

    def __init__(self, rows: int, dropout: float, rate: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.rows, self.dropout, self.rate = rows, dropout, rate
        self.table = self.add_weight(shape=(rows, NGRAM_COLUMNS), initializer="zeros", name="table")
        self.seeds = keras.random.SeedGenerator(rows)

    def call(self, ngram_ids: Tensor, training: bool = False) -> Tensor:
        """Compute it."""
        counted = ops.cast(ngram_ids > 0, "float32")
        if training:
            counted = keras.random.dropout(counted, self.dropout, seed=self.seeds)
        return self.rate * ops.sum(ops.take(self.table, ngram_ids, axis=0) * ops.expand_dims(counted, -1), axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return what a copy is made with."""
        return {**super().get_config(), "rows": self.rows, "dropout": self.dropout, "rate": self.rate}


def build_student(recipe: NetworkRecipe, vectors: NDArray[np.float32], rows: int) -> keras.Model:
    """Build the network to train: token ids and n-gram ids, int32[batch, any] each -> logit float32[batch, 1].

    Args:
        recipe: its sizes.
        vectors: to begin with, float32[num_words, embedding_dim].
        rows: of the table of n-grams; the weights begin at 0.
    """
    deep = build_deep(recipe, vectors)
    ngram_ids = keras.Input((None,), dtype="int32", name="ngram_ids")
    sums = NgramWeights(rows, recipe.ngram_dropout, recipe.ngram_rate, name="ngram_weights")(ngram_ids)
    logit = LearntJoin(name="learnt_join")([deep.output, sums, deep.input])
    return keras.Model([deep.input, ngram_ids], logit, name="student")


def ngram_table(student: keras.Model) -> NDArray[np.float64]:
    """Read the weights of the n-grams that a trained student has, float64[rows, 4]."""
    layer = student.get_layer("ngram_weights")
    learnt = np.asarray(layer.get_weights()[0], np.float64)
    return np.pad(layer.rate * learnt, ((0, 0), (0, WIDE_COLUMNS - NGRAM_COLUMNS)))


def whole_network(
    recipe: NetworkRecipe, student: keras.Model, table: NDArray[np.float64], by_length: NDArray[np.float64]
) -> keras.Model:
    """Build the network to export: the student's convolutions and a table of n-grams, joined by the length.

    Word vectors and n-grams are rounded to steps, in which all graphs hold them.

    Args:
        recipe: of the network.
        student: trained.
        table: of n-grams, float64[rows, 4]; its last column is filled in.
        by_length: as `Joined` wants them, float64[2, 3].
    """
    table = table.copy()
    table[0] = 0
    table[:, -1] = (np.arange(len(table)) < recipe.num_words) & (np.arange(len(table)) > 0)
    rounded, steps = in_16_bits(table)
    learnt = keras.Model(student.inputs[0], student.get_layer("deep_logit").output)
    deep = keras.models.clone_model(learnt)
    deep.set_weights(learnt.get_weights())
    vectors = vectors_in_8_bits(learnt.get_layer("embedding").get_weights()[0])
    deep.get_layer("embedding").set_weights([from_8_bits(*vectors)])
    whole = build_whole(recipe, deep, len(table))
    whole.get_layer("ngram_sums").set_weights([rounded * steps])
    whole.get_layer("logit").set_weights([by_length])
    return whole
