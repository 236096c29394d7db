"""The lecture's network, built from a recipe."""

import keras

from training.recipes import LectureRecipe


def build_model(recipe: LectureRecipe) -> keras.Sequential:
    """The compiled network: token ids int32[batch, maxlen] -> probability of positive float32[batch, 1].

    Word vectors, then blocks of convolutions (relu, He initialisation, no padding) that each end in a pool,
    then one logistic unit over all that is left. Its initial weights follow Keras's global seed.
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
