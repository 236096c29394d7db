"""What a bundle tells of its network's layers."""

import keras

from service.inference.bundle import LayerSpec

_NOTHING_AT_INFERENCE = (keras.layers.InputLayer, keras.layers.Dropout, keras.layers.SpatialDropout1D)


def describe_layers(model: keras.Model) -> tuple[LayerSpec, ...]:
    """The layers that do something at inference, in their order."""
    return tuple(_describe(layer) for layer in model.layers if not isinstance(layer, _NOTHING_AT_INFERENCE))


def first_convolutions(model: keras.Model) -> list[keras.layers.Conv1D]:
    """The convolutions that see nothing but the vectors of neighbouring ids: each of their steps is a run of words."""
    return [layer for layer in model.layers if _sees_runs_of_ids(layer)]


def _describe(layer: keras.Layer) -> LayerSpec:
    return LayerSpec(
        name=layer.name,
        kind=type(layer).__name__,
        output_shape=tuple(layer.output.shape[1:]) or (1,),
        parameters=layer.count_params(),
        kernel_size=layer.kernel_size[0] if isinstance(layer, keras.layers.Conv1D) else None,
        activations=layer.name if _sees_runs_of_ids(layer) else None,
    )


def _sees_runs_of_ids(layer: keras.Layer) -> bool:
    if not isinstance(layer, keras.layers.Conv1D):
        return False
    plain = (layer.padding, layer.strides, layer.dilation_rate, layer.groups) == ("valid", (1,), (1,), 1)
    return plain and isinstance(_origin(layer), keras.layers.Embedding)


def _origin(layer: keras.Layer) -> keras.Layer:
    """The layer that gives a layer its input, dropout passed over."""
    origin = layer.input._keras_history.operation
    return _origin(origin) if isinstance(origin, _NOTHING_AT_INFERENCE[1:]) else origin
