"""Build the lecture's network from a recipe."""

import keras
import numpy as np
from numpy.typing import NDArray

from training.recipes import LectureRecipe


def build_model(recipe: LectureRecipe) -> keras.Sequential:
    """Return the compiled network: token ids int32[batch, maxlen] -> probability of positive float32[batch, 1].

    Word vectors, then blocks of convolutions (relu, He initialisation, no padding) that each end in a pool,
    then one logistic unit over what the last pool gives. Its initial weights follow Keras's global seed.
    """
    layers = keras.layers
    model = keras.Sequential(name=recipe.model_name.replace("-", "_"))
    model.add(keras.Input((recipe.maxlen,), dtype="int32", name="token_ids"))
    model.add(layers.Embedding(recipe.num_words, recipe.embedding_dim, name="embedding"))
    for block, filters in enumerate(recipe.block_filters, start=1):
        for position in range(1, recipe.convolutions_per_block + 1):
            model.add(
                layers.Conv1D(
                    filters,
                    recipe.kernel_size,
                    activation="relu",
                    kernel_initializer="he_normal",
                    name=f"conv{block}_{position}",
                )
            )
        model.add(layers.MaxPooling1D(recipe.pool_size, name=f"pool{block}"))
    model.add(layers.Flatten(name="flatten"))
    model.add(layers.Dense(1, activation="sigmoid", name="probability"))
    model.compile(
        optimizer=keras.optimizers.Adam(recipe.learning_rate), loss="binary_crossentropy", metrics=["accuracy"]
    )
    return model


def padded(reviews: NDArray[np.object_], recipe: LectureRecipe) -> NDArray[np.int32]:
    """Return reviews padded and cut to int32[n, maxlen], by Keras's `pad_sequences`."""
    return keras.utils.pad_sequences(  # type: ignore[no-any-return]
        reviews, maxlen=recipe.maxlen, padding=recipe.padding, truncating=recipe.truncating
    )
