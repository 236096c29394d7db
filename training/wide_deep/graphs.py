"""Make the graphs of a whole network, and compute its probabilities with Keras."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from service.inference.ngrams import NgramTable
from training.graphs.convert import to_onnx
from training.graphs.describe import describe_layers
from training.graphs.writer import OUTPUT
from training.recipes import NetworkRecipe
from training.trained import Graphs, History, Ngrams, Trained
from training.wide_deep.batches import batches_of_like_length, padded
from training.wide_deep.corpus import Ints
from training.wide_deep.form import NGRAM_INPUT, float_form, quantized_form, read_network
from training.wide_deep.reference import with_tables_in_steps
from training.wide_deep.texts import TokenIds, read_ids

CALIBRATION_TEXTS = 1_000
"""Training reviews that tell the 8-bit form how large each filter's answers become."""


def network_probabilities(
    model: keras.Model, table: NgramTable, recipe: NetworkRecipe, texts: TokenIds
) -> NDArray[np.float32]:
    """Compute Keras's probabilities of texts, float32[n], in order."""
    read = read_ids(recipe, texts)
    probabilities = np.zeros(len(read), np.float32)
    for rows in batches_of_like_length(read, recipe.ids_per_batch):
        batch = padded([read[row] for row in rows])
        probabilities[rows] = np.asarray(model([batch, table.look_up(batch)], training=False))[:, 0]
    return probabilities


def wide_deep_graphs(model: keras.Model, keys: Ints, recipe: NetworkRecipe, reviews: TokenIds) -> Graphs:
    """Make the graphs of a whole network.

    Args:
        model: as `whole_network` builds it.
        keys: of its n-grams.
        recipe: which it was trained by.
        reviews: of the training data, for the 8-bit form to be calibrated on.
    """
    some = np.random.default_rng(recipe.seed).permutation(len(reviews))[:CALIBRATION_TEXTS]
    texts = read_ids(recipe, [reviews[row] for row in some])
    batches = [padded([texts[row] for row in rows]) for rows in batches_of_like_length(texts, recipe.ids_per_batch)]
    network = read_network(model, recipe.maxlen)
    graphs = {
        "reference": with_tables_in_steps(to_onnx(model, OUTPUT), network),
        "float32": float_form(network),
        "int8": quantized_form(network, batches),
    }
    ngrams = Ngrams(NGRAM_INPUT, keys, recipe.max_order)
    return Graphs(graphs, describe_layers(model, recipe.maxlen), ngrams)


def trained_network(
    recipe: NetworkRecipe, model: keras.Model, keys: Ints, reviews: TokenIds, history: History, held_out: dict[str, Any]
) -> Trained:
    """Make the graphs of a whole network, and put them together with what is known of its training.

    Args:
        recipe: which it was trained by.
        model: as `whole_network` builds it.
        keys: of its n-grams.
        reviews: of the training data, for the 8-bit form to be calibrated on.
        history: of its training.
        held_out: metrics of the recipe on reviews held out.
    """
    table = NgramTable(keys, recipe.max_order, recipe.num_words)
    graphs = wide_deep_graphs(model, keys, recipe, reviews)
    return Trained(graphs, lambda ids: network_probabilities(model, table, recipe, ids), history, held_out)
