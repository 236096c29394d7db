"""What a bundle tells of its network's layers."""

from collections.abc import Sequence

import keras
import numpy as np

from service.inference.manifest import LayerSpec
from training.graphs.filters import filter_outputs

_NOTHING_AT_INFERENCE = (keras.layers.InputLayer, keras.layers.Dropout, keras.layers.SpatialDropout1D)
_BETWEEN = (*_NOTHING_AT_INFERENCE, keras.layers.ZeroPadding1D, keras.layers.Multiply, keras.layers.Concatenate)
"""Layers that only arrange what others compute."""


def describe_layers(model: keras.Model, length: int) -> tuple[LayerSpec, ...]:
    """List the layers that compute something at inference, in their order.

    Args:
        model: whose inputs are rows of ids.
        length: of the rows, for the shapes of what the layers give.
    """
    layers = [layer for layer in model.layers if not isinstance(layer, _BETWEEN)]
    probe = keras.Model(model.inputs, [layer.output for layer in layers])
    outputs = probe([np.zeros((1, length), np.int32) for _ in model.inputs])
    return tuple(_describe(layer, output.shape[1:]) for layer, output in zip(layers, outputs, strict=True))


def first_convolutions(model: keras.Model) -> list[keras.layers.Conv1D]:
    """Select the convolutions that see only vectors of neighbouring ids: each of their steps is a run of words."""
    return [layer for layer in model.layers if _sees_runs_of_ids(layer)]


def has_filter_outputs(layer: keras.Layer) -> bool:
    """Tell whether the reference graph also gives what a first convolution computes with: it has a bias and relu."""
    return _sees_runs_of_ids(layer) and layer.use_bias and layer.activation is keras.activations.relu


def _describe(layer: keras.Layer, shape: Sequence[int]) -> LayerSpec:
    return LayerSpec(
        name=layer.name,
        kind=type(layer).__name__,
        output_shape=tuple(shape) or (1,),
        parameters=layer.count_params(),
        kernel_size=layer.kernel_size[0] if isinstance(layer, keras.layers.Conv1D) else None,
        activations=layer.name if _sees_runs_of_ids(layer) else None,
        filters=filter_outputs(layer.name) if has_filter_outputs(layer) else None,
    )


def _sees_runs_of_ids(layer: keras.Layer) -> bool:
    if not isinstance(layer, keras.layers.Conv1D):
        return False
    plain = (layer.padding, layer.strides, layer.dilation_rate, layer.groups) == ("valid", (1,), (1,), 1)
    return plain and isinstance(_origin(layer), keras.layers.Embedding)


def _origin(layer: keras.Layer) -> keras.Layer:
    """Find the layer that gives a layer its input, passing over what only arranges."""
    given = layer.input[0] if isinstance(layer.input, list) else layer.input
    origin = given._keras_history.operation
    return _origin(origin) if isinstance(origin, _BETWEEN[1:]) else origin
