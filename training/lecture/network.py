"""Take the lecture's kind of Keras model apart, so that its graphs can be written."""

import logging

import keras
import numpy as np

from training.graphs.float32 import Block, Floats, Network

_log = logging.getLogger(__name__)


def extract_network(model: keras.Model) -> Network | None:
    """Return the parts of a trained network, or None if the network is of another kind.

    Args:
        model: Embedding, blocks of unpadded Conv1D (relu) and MaxPooling1D, Flatten, Dense(1, sigmoid). Dropout may
            stand anywhere, as it does nothing at inference. It must have been trained on post-padded texts.

    Returns:
        The parts; None, with the reason in the log, for any other network: use its plain graph.
    """
    try:
        return _extract(model)
    except ValueError as reason:
        _log.warning("%s has no inference form, its plain graph is used: %s", model.name, reason)
        return None


def _extract(model: keras.Model) -> Network:
    """Take a Keras model apart.

    Raises:
        ValueError: the network is of another kind.
    """
    layers = [layer for layer in model.layers if not isinstance(layer, _NOTHING_AT_INFERENCE)]
    if not isinstance(model, keras.Sequential) or len(layers) < 4:
        raise ValueError("it is not the expected row of layers")
    embedding, *middle, flatten, dense = layers
    for layer, kind in ((embedding, "Embedding"), (flatten, "Flatten"), (dense, "Dense")):
        if type(layer).__name__ != kind:
            raise ValueError(f"layer {layer.name} is {type(layer).__name__}, not {kind}")
    if model.input_shape[1] is None or dense.units != 1 or dense.activation is not keras.activations.sigmoid:
        raise ValueError("it is not a fixed length in and one sigmoid out")
    blocks: list[Block] = []
    convolutions: list[tuple[Floats, Floats]] = []
    for layer in middle:
        if isinstance(layer, keras.layers.Conv1D) and _is_plain_convolution(layer):
            weights, *bias = (np.asarray(values, np.float64) for values in layer.get_weights())
            convolutions.append((weights, bias[0] if bias else np.zeros(layer.filters)))
        elif isinstance(layer, keras.layers.MaxPooling1D) and _is_plain_pool(layer) and convolutions:
            blocks.append(Block(tuple(convolutions), layer.pool_size[0]))
            convolutions = []
        else:
            raise ValueError(f"layer {layer.name} is not an unpadded Conv1D with relu or a MaxPooling1D after one")
    if convolutions:
        blocks.append(Block(tuple(convolutions), pool_size=1))
    weights, *bias = (np.asarray(values, np.float64) for values in dense.get_weights())
    return Network(
        maxlen=model.input_shape[1],
        embedding=np.asarray(embedding.get_weights()[0], np.float64),
        blocks=tuple(blocks),
        dense=weights.reshape(flatten.input.shape[1:]),
        dense_bias=float(bias[0][0]) if bias else 0.0,
    )


_NOTHING_AT_INFERENCE = (keras.layers.InputLayer, keras.layers.Dropout, keras.layers.SpatialDropout1D)


def _is_plain_convolution(layer: keras.layers.Conv1D) -> bool:
    sizes = (layer.padding, layer.strides, layer.dilation_rate, layer.groups, layer.data_format)
    return layer.activation is keras.activations.relu and sizes == ("valid", (1,), (1,), 1, "channels_last")


def _is_plain_pool(layer: keras.layers.MaxPooling1D) -> bool:
    return (layer.padding, layer.strides, layer.data_format) == ("valid", layer.pool_size, "channels_last")
