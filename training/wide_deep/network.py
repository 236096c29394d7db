"""The network in Keras: the deep path, which is trained, and the whole of both paths, which is exported."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from training.recipes import NetworkRecipe
from training.wide_deep.lengths import LONGEST, SHORTEST, USUAL

Tensor = Any
"""What Keras's layers take and give."""

ROOT_OFFSET = 4.0
"""Token ids that a text counts for beyond its own where it is divided by the root of its length."""

WIDE_COLUMNS = 4
"""Of an n-gram: its weight in a text of the usual length, its change with the logarithm of the length, and with the
square of that; and 1 for a single token id, so that the sum counts the ids of a text."""


@keras.saving.register_keras_serializable("training")
class SumByRoot(keras.layers.Layer):  # type: ignore[misc]
    """Sum over the text's own positions, divided by the root of (ids + `ROOT_OFFSET`): between a sum and a mean.

    Inputs: activations [batch, length + 1, channels], the last of which stands after the text;
    1 for an id of the text and 0 for padding [batch, length, 1].
    """

    def call(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """Compute it."""
        activations, is_id = inputs
        return ops.sum(activations[:, :-1] * is_id, axis=1) / ops.sqrt(ops.sum(is_id, axis=1) + ROOT_OFFSET)


@keras.saving.register_keras_serializable("training")
class NgramSums(keras.layers.Layer):  # type: ignore[misc]
    """int32[batch, any] -> float64[batch, 4]: the columns of a table of n-grams, added up over the ids."""

    def __init__(self, rows: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.rows = rows
        self.table = self.add_weight(shape=(rows, WIDE_COLUMNS), initializer="zeros", trainable=False, name="table")

    def call(self, ngram_ids: Tensor) -> Tensor:
        """Compute it."""
        return ops.sum(ops.cast(ops.take(self.table, ngram_ids, axis=0), "float64"), axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return what a copy is made with."""
        return {**super().get_config(), "rows": self.rows}


@keras.saving.register_keras_serializable("training")
class Joined(keras.layers.Layer):  # type: ignore[misc]
    """The deep path's logit [batch, 1] and the wide path's sums [batch, 4] -> the logit of both, float32[batch, 1].

    With u = log(ids / 30), the deep logit counts for a + b u + c u^2, and d + e u + f u^2 is added, besides the wide
    sums times 1, u and u^2. Its weights are [[a, b, c], [d, e, f]].
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(autocast=False, **arguments)  # its sums come in float64
        self.by_length = self.add_weight(shape=(2, 3), initializer="zeros", trainable=False, name="by_length")

    def get_config(self) -> dict[str, Any]:
        """Return what a copy is made with."""
        return dict(super().get_config())

    def call(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """Compute it."""
        deep, wide = inputs
        by_length = ops.cast(self.by_length, "float64")
        u = ops.log(ops.clip(wide[:, 3:], SHORTEST, LONGEST) / USUAL)
        powers = ops.concatenate([ops.ones_like(u), u, u * u], axis=1)
        weight = ops.sum(powers * by_length[0], axis=1, keepdims=True)
        added = ops.sum(powers * (wide[:, :3] + by_length[1]), axis=1, keepdims=True)
        return ops.cast(ops.cast(deep, "float64") * weight + added, "float32")


def build_deep(recipe: NetworkRecipe, vectors: NDArray[np.float32]) -> keras.Model:
    """Build the deep path: token ids int32[batch, length], post-padded with 0 or not at all -> logit float32[batch, 1].

    Convolutions of several widths side by side, each step seeing the ids from its own on. Of each filter the largest
    answer counts, with the step behind the text, and the sum over the text.

    Args:
        recipe: its sizes.
        vectors: to begin with, float32[num_words, embedding_dim].
    """
    layers = keras.layers
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    is_id = ops.expand_dims(ops.cast(token_ids > 0, "float32"), -1)
    embedding = layers.Embedding(recipe.num_words, recipe.embedding_dim, name="embedding")
    embedded = embedding(token_ids)
    embedding.set_weights([vectors])
    embedded = layers.SpatialDropout1D(recipe.vector_dropout, name="vector_dropout")(embedded)
    embedded = layers.Multiply(name="own_vectors")([embedded, is_id])  # padding counts for nothing
    pooled = []
    for width in recipe.kernel_sizes:
        padded = layers.ZeroPadding1D((0, width), name=f"padding{width}")(embedded)
        convolution = layers.Conv1D(
            recipe.filters, width, activation="relu", kernel_initializer="he_normal", name=f"conv{width}"
        )(padded)
        pooled.append(layers.GlobalMaxPooling1D(name=f"max{width}")(convolution))
        pooled.append(SumByRoot(name=f"sum{width}")([convolution, is_id]))
    features = layers.Concatenate(name="features")(pooled)
    features = layers.Dropout(recipe.feature_dropout, name="feature_dropout")(features)
    logit = layers.Dense(1, name="deep_logit")(features)
    return keras.Model(token_ids, logit, name="deep")


def build_whole(recipe: NetworkRecipe, deep: keras.Model, rows: int) -> keras.Model:
    """Build both paths: token ids and n-gram ids -> probability float32[batch, 1]; the wide path's numbers are still 0.

    Args:
        recipe: for the name.
        deep: trained.
        rows: of the table of n-grams.
    """
    ngram_ids = keras.Input((None,), dtype="int32", name="ngram_ids")
    wide = NgramSums(rows, name="ngram_sums")(ngram_ids)
    logit = Joined(name="logit")([deep.output, wide])
    probability = keras.layers.Activation("sigmoid", name="probability")(logit)
    return keras.Model([deep.input, ngram_ids], probability, name=recipe.model_name.replace("-", "_"))
