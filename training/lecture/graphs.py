"""Turn the lecture's network into the graphs of its bundle."""

import keras
import numpy as np
from numpy.typing import NDArray

from training.graphs.calibration import best_quantized_form
from training.graphs.convert import to_onnx
from training.graphs.describe import describe_layers
from training.graphs.float32 import float32_form
from training.graphs.writer import OUTPUT
from training.lecture.network import extract_network
from training.recipes import LectureRecipe
from training.trained import Graphs


def lecture_graphs(model: keras.Model, recipe: LectureRecipe, training_token_ids: NDArray[np.int32]) -> Graphs:
    """Write the graphs of a network that `build_model` made.

    Args:
        model: trained.
        recipe: that it was trained by.
        training_token_ids: padded training reviews, int32[n, maxlen], for the 8-bit form to be calibrated on.
    """
    graphs = {"reference": to_onnx(model, OUTPUT)}
    network = extract_network(model) if recipe.padding == "post" else None
    if network is not None:
        graphs |= {"float32": float32_form(network), "int8": best_quantized_form(network, training_token_ids)}
    return Graphs(graphs, describe_layers(model, recipe.maxlen))
