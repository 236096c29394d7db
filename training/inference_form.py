"""The trained network as an ONNX graph that computes only what the text can change.

Three facts about unpadded convolutions and pools over post-padded token ids make it exact:

1. *Beyond the text, every layer repeats one vector*, because each of its windows there sees padding only. A layer
   is computed up to the first such position; what the next layers read further right is a copy of that one.
2. *The Dense layer's sum over those positions is known beforehand.* It depends on where they begin and on nothing
   else, so it is one number for each possible beginning.
3. *An embedding followed by a convolution is a sum of table rows*: each tap of the kernel sees one id, and maps it
   to a row of `embedding @ tap`.

Convolutions stay four-dimensional, [1, kernel]: onnxruntime has its blocked (NCHWc) kernels for that shape only.
"""

import logging
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 18, 9
INPUT, OUTPUT = "token_ids", "probability"
PADDING_ID = 0
MAX_TABLE_VALUES = 8_000_000
"""Largest lookup table, in float32 values, in place of embedding and first convolution."""

Floats = NDArray[np.floating[Any]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Block:
    """Convolutions, each followed by relu, and the pool that ends them."""

    convolutions: tuple[tuple[Floats, Floats], ...]  # weights [kernel, channels_in, channels_out], bias [channels_out]
    pool_size: int

    @property
    def halo(self) -> int:
        """Positions by which the convolutions shorten their input."""
        return sum(len(weights) - 1 for weights, _ in self.convolutions)


@dataclass(frozen=True)
class Network:
    """The parts of a Keras model, all in float64."""

    maxlen: int
    embedding: Floats  # [num_words, embedding_dim]
    blocks: tuple[Block, ...]
    dense: Floats  # [positions, channels]
    dense_bias: float


def inference_form(model: keras.Model) -> onnx.ModelProto | None:
    """The graph of a trained network without its work on padding, or None if the network is of another kind.

    It maps `token_ids` int32[batch, length] to `probability` float32[batch] for every length from 1 to the model's
    maxlen. The texts of a batch are post-padded with 0 to the longest of them; padding further changes no answer.
    Each answer is the one Keras gives for the same text post-padded to maxlen.

    Args:
        model: Embedding, blocks of unpadded Conv1D (relu) and MaxPooling1D, Flatten, Dense(1, sigmoid). Dropout may
            stand anywhere, as it does nothing at inference. It must have been trained on post-padded texts.

    Returns:
        The graph; None, with the reason in the log, for any other network: use its plain graph.
    """
    try:
        network = read_network(model)
    except ValueError as reason:
        _log.warning("%s has no inference form, its plain graph is used: %s", model.name, reason)
        return None
    return _graph(network)


def reach(network: Network, length: int) -> tuple[list[int], int]:
    """How far each block has to be computed for texts of `length` ids.

    A position that the text can change, after a convolution, is one whose window begins inside the text: as many as
    before it. A pool of size s leaves ceil(1/s) of them. Every block but the last also gives the first position
    beyond them, for the next one to copy.

    Returns:
        Per block the positions appended to its input, and the positions that the Dense layer gets.
    """
    appended = []
    whole, changed, present = network.maxlen, length, length
    for block in network.blocks:
        whole = (whole - block.halo) // block.pool_size  # all the positions that Keras computes
        changed = min(-(-changed // block.pool_size), whole)
        wanted = min(changed + (block is not network.blocks[-1]), whole)
        appended.append(max(0, wanted * block.pool_size + block.halo - present))
        present = (present + appended[-1] - block.halo) // block.pool_size
    return appended, present


def rest_of_dense(network: Network) -> Floats:
    """The Dense layer's bias and its sum over positions of pure padding, by the first of them: [positions + 1]."""
    padding = network.embedding[PADDING_ID]
    for block in network.blocks:
        for weights, bias in block.convolutions:
            padding = np.maximum(0, padding @ weights.sum(axis=0) + bias)  # the same vector under each tap
    from_the_end = np.cumsum((network.dense @ padding)[::-1])[::-1]
    return np.append(from_the_end, 0) + network.dense_bias


def read_network(model: keras.Model) -> Network:
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


class _Nodes:
    """The nodes and constants of a graph being written; a node and its only output share a name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, values: Any, dtype: type) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(values, dtype), name)
        return name

    def add(self, name: str, operator: str, *inputs: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name


def _graph(network: Network) -> onnx.ModelProto:
    graph = _Nodes()
    # What depends on the length alone is looked up by it: fewer nodes to run than arithmetic on shapes.
    reaches = [reach(network, max(1, length)) for length in range(network.maxlen + 1)]
    first_axis = graph.constant("axis_1", [1], np.int64)
    graph.add("length", "Squeeze", graph.add("shape", "Shape", INPUT, start=1, end=2))

    def extended(name: str, inputs: str, block: int, rank: int, **attributes: Any) -> str:
        pads = np.zeros((len(reaches), 2 * rank))
        pads[:, -1] = [appended[block] for appended, _ in reaches]
        table = graph.constant(f"{name}_by_length", pads, np.int64)
        return graph.add(name, "Pad", inputs, graph.add(f"{name}_pads", "Gather", table, "length"), **attributes)

    ids = extended("ids", INPUT, 0, rank=2)  # Pad's own default is 0
    value = _first_convolution(graph, network, ids, first_axis)
    for number, block in enumerate(network.blocks, start=1):
        if number > 1:
            value = extended(f"extended{number}", value, number - 1, rank=4, mode="edge")
        for position, (weights, bias) in enumerate(block.convolutions, start=1):
            name = f"conv{number}_{position}"
            if (number, position) != (1, 1):
                kernel = graph.constant(f"{name}_weights", weights.transpose(2, 1, 0)[:, :, None], np.float32)
                offset = graph.constant(f"{name}_bias", bias, np.float32)
                value = graph.add(name, "Conv", value, kernel, offset, kernel_shape=[1, len(weights)])
            value = graph.add(f"{name}_relu", "Relu", value)
        window = [1, block.pool_size]
        value = graph.add(f"pool{number}", "MaxPool", value, kernel_shape=window, strides=window)

    positions = np.array([present for _, present in reaches])
    channels = network.dense.shape[1]
    dense = graph.constant("dense_weights", network.dense.reshape(-1, 1), np.float32)
    used = graph.constant("dense_rows_by_length", positions[:, None] * channels, np.int64)
    used = graph.add("dense_rows", "Gather", used, "length")
    used = graph.add("dense_used", "Slice", dense, graph.constant("zero", [0], np.int64), used)
    rest = graph.constant("rest_by_length", rest_of_dense(network)[positions, None], np.float32)
    rest = graph.add("rest", "Gather", rest, "length")
    features = graph.add("features", "Flatten", graph.add("by_position", "Transpose", value, perm=[0, 2, 3, 1]))
    probabilities = graph.add("probabilities", "Sigmoid", graph.add("logits", "Gemm", features, used, rest))
    graph.add(OUTPUT, "Squeeze", probabilities, first_axis)
    return _model(graph)


def _first_convolution(graph: _Nodes, network: Network, ids: str, first_axis: str) -> str:
    """Token ids int32[batch, n] -> the first convolution float32[batch, filters, 1, n - kernel + 1], before relu."""
    weights, bias = network.blocks[0].convolutions[0]
    kernel = len(weights)
    if network.embedding.shape[0] * kernel * weights.shape[2] > MAX_TABLE_VALUES:
        rows = graph.add("vectors", "Gather", graph.constant("embedding", network.embedding, np.float32), ids)
    else:
        for tap in range(kernel):
            seen = [(f"tap{tap}_from", tap), (f"tap{tap}_to", tap + 1 - kernel or np.iinfo(np.int64).max)]
            bounds = [graph.constant(name, [value], np.int64) for name, value in seen]
            table = network.embedding @ weights[tap] + (bias if tap == 0 else 0)
            table_name = graph.constant(f"tap{tap}_table", table, np.float32)
            seen_ids = graph.add(f"tap{tap}_ids", "Slice", ids, *bounds, first_axis)
            added = graph.add(f"tap{tap}_rows", "Gather", table_name, seen_ids)
            rows = added if tap == 0 else graph.add(f"tap{tap}_sum", "Add", rows, added)
    by_position = graph.add("vectors_4d", "Unsqueeze", rows, first_axis)
    by_channel = graph.add("vectors_by_channel", "Transpose", by_position, perm=[0, 3, 1, 2])
    if "embedding" not in graph.constants:
        return by_channel
    filters = graph.constant("conv1_1_weights", weights.transpose(2, 1, 0)[:, :, None], np.float32)
    offset = graph.constant("conv1_1_bias", bias, np.float32)
    return graph.add("conv1_1", "Conv", by_channel, filters, offset, kernel_shape=[1, kernel])


def _model(graph: _Nodes) -> onnx.ModelProto:
    ids = helper.make_tensor_value_info(INPUT, TensorProto.INT32, ["batch", "length"])
    probability = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch"])
    body = helper.make_graph(
        graph.nodes, "inference_form", [ids], [probability], initializer=list(graph.constants.values())
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model
