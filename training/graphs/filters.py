"""Further outputs of a reference graph: what its first convolutions compute with, for people to look at."""

from collections.abc import Iterable

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from service.inference.manifest import FilterOutputs


def filter_outputs(activations: str) -> FilterOutputs:
    """Name the outputs of a convolution after the one with its activations."""
    return FilterOutputs(kernel=f"{activations}_kernel", bias=f"{activations}_bias", vectors=f"{activations}_vectors")


def add_weights(model: onnx.ModelProto, layers: Iterable[keras.layers.Conv1D]) -> onnx.ModelProto:
    """Add two outputs for each convolution, kernel and bias, in the layout of `FilterOutputs`.

    They are constants, which cost nothing where they are not asked for.

    Args:
        model: that has the layers.
        layers: with a bias.
    """
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    for layer in layers:
        kernel, bias = (np.asarray(weights, np.float32) for weights in layer.get_weights())
        names = filter_outputs(layer.name)
        values = {
            names.kernel: kernel.transpose(2, 1, 0)[:, :, np.newaxis],
            names.bias: bias[np.newaxis, :, np.newaxis],
        }
        for name, value in values.items():
            extended.graph.initializer.append(numpy_helper.from_array(value, f"{name}_constant"))
            extended.graph.node.append(helper.make_node("Identity", [f"{name}_constant"], [name]))
            extended.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape))
    onnx.checker.check_model(extended)
    return extended
