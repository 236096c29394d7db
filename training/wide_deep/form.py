"""The trained network as ONNX graphs that compute no more than the texts need, in float32 and in 8 bits.

A text gets the same number whatever its batch holds and however far it is padded:

- A convolution has a step for each token id. What a step gives that sees nothing but padding is known, and counts for
  the largest answer of every text.
- Sums are over the text's own steps, what is added to them is 0: in 8 bits of whole numbers, in float32 of float64's.
- The wide path adds up whole numbers of 16 bits, and everything after the pools is float64.

Everything that depends on the length of a text is looked up by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from training.graphs.float32 import PADDING_ID, Floats
from training.graphs.int8 import Layer, in_8_bits, quantized_convolution, requantized
from training.graphs.writer import INPUT, GraphWriter
from training.wide_deep.lengths import length_powers
from training.wide_deep.network import ROOT_OFFSET, WIDE_COLUMNS

NGRAM_INPUT = "ngram_ids"
BATCH_SIZE = 8
CENTRE = 128
"""Step that stands for 0, of 256."""
POOL = 16
"""Steps of a convolution in 8 bits whose largest answer is taken first."""
DOUBLE, FLOAT, INT32 = TensorProto.DOUBLE, TensorProto.FLOAT, TensorProto.INT32


@dataclass(frozen=True)
class WideDeep:
    """The numbers of a trained network, in float64 but for the table.

    Attributes:
        vectors: uint8[num_words, embedding_dim], around `CENTRE`; those of padding are 0.
        vector_steps: what one step of each column of the vectors stands for, [embedding_dim].
        convolutions: weights [kernel, embedding_dim, filters] and bias [filters] of each, the narrowest first.
        largest: the deep path's weights of the largest answers, [convolutions, filters].
        summed: the same of the sums, [convolutions, filters].
        bias: of the deep path's logit.
        steps: what one step of each column of the table stands for, [4].
        table: of the n-grams, int16[rows, 4].
        by_length: as `Joined` holds it, [2, 3].
        maxlen: token ids that a text may have.
    """

    vectors: NDArray[np.uint8]
    vector_steps: Floats
    convolutions: tuple[tuple[Floats, Floats], ...]
    largest: Floats
    summed: Floats
    bias: float
    steps: Floats
    table: NDArray[np.int16]
    by_length: Floats
    maxlen: int

    @property
    def exact_vectors(self) -> Floats:
        """Compute the vectors, float64[num_words, embedding_dim]."""
        return from_8_bits(self.vectors, self.vector_steps)


def read_network(model: keras.Model, maxlen: int) -> WideDeep:
    """Read the numbers of a trained network, as `whole_network` makes it, with tables that are rounded.

    Args:
        model: the whole.
        maxlen: token ids that a text may have.
    """
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv1D)]
    vectors, vector_steps = vectors_in_8_bits(model.get_layer("embedding").get_weights()[0])
    dense, bias = (np.asarray(values, np.float64) for values in model.get_layer("deep_logit").get_weights())
    pools = dense.reshape(len(convolutions), 2, -1)
    table, steps = in_16_bits(model.get_layer("ngram_sums").get_weights()[0])
    return WideDeep(
        vectors=vectors,
        vector_steps=vector_steps,
        convolutions=tuple(
            (np.asarray(weights, np.float64), np.asarray(offset, np.float64))
            for weights, offset in (layer.get_weights() for layer in convolutions)
        ),
        largest=pools[:, 0],
        summed=pools[:, 1],
        bias=float(bias[0]),
        steps=steps,
        table=table,
        by_length=np.asarray(model.get_layer("logit").get_weights()[0], np.float64),
        maxlen=maxlen,
    )


def vectors_in_8_bits(vectors: Floats | NDArray[np.float32]) -> tuple[NDArray[np.uint8], Floats]:
    """Round word vectors to steps around `CENTRE`, uint8[num_words, channels]; return them with each channel's step.

    Vectors that were made of steps give them again. That of padding becomes 0.
    """
    vectors = vectors.astype(np.float64)
    vectors[PADDING_ID] = 0
    steps = np.abs(vectors).max(axis=0) / (CENTRE - 1)
    steps[steps == 0] = 1
    return (np.rint(vectors / steps) + CENTRE).astype(np.uint8), steps


def from_8_bits(vectors: NDArray[np.uint8], steps: Floats) -> Floats:
    """Compute the vectors that `vectors_in_8_bits` has rounded, float64[num_words, channels]."""
    return (vectors.astype(np.float64) - CENTRE) * steps


def in_16_bits(table: Floats | NDArray[np.float32]) -> tuple[NDArray[np.int16], Floats]:
    """Round a table of n-grams to steps, int16[rows, 4]; return them with the size of each column's step, float64[4].

    A table that was made of steps gives them again; the last column, which counts, has steps of 1.
    """
    steps = np.abs(table.astype(np.float64)).max(axis=0) / np.iinfo(np.int16).max
    steps[steps == 0] = 1
    steps[-1] = 1
    return np.rint(table / steps).astype(np.int16), steps


def float_form(network: WideDeep) -> onnx.ModelProto:
    """Write the graph in float32: `token_ids` and `ngram_ids` -> `probability` float32[batch]."""
    writer = GraphWriter(INPUT, NGRAM_INPUT)
    table = writer.constant("embedding", network.vectors, np.uint8)
    around = writer.add("vectors_around", "Cast", writer.add("vectors_found", "Gather", table, INPUT), to=FLOAT)
    steps = writer.add("vectors_in_steps", "Sub", around, writer.constant("centre", CENTRE, np.float32))
    vectors = writer.add("vectors", "Mul", steps, writer.constant("vector_steps", network.vector_steps, np.float32))
    value = writer.by_channel(vectors)
    convolutions = [
        writer.convolution(f"conv{number}", value, weights, bias, pads=_after(weights))
        for number, (weights, bias) in enumerate(network.convolutions, start=1)
    ]
    activations = writer.add("activations", "Relu", writer.add("convolutions", "Concat", *convolutions, axis=1))
    padding = np.maximum([bias for _, bias in network.convolutions], 0).reshape(-1, 1, 1)
    pooled = writer.add("pooled", "GlobalMaxPool", activations)
    largest = writer.add("largest", "Max", pooled, writer.constant("padding", padding, np.float32))
    own = writer.add("own", "Unsqueeze", _is_id(writer, DOUBLE), writer.axis(2))
    by_filter = writer.add("by_filter", "Squeeze", _float64(writer, activations), writer.axis(2))
    summed = writer.add("summed", "MatMul", by_filter, own)
    return writer.model(
        _joined(writer, network, (_float64(writer, largest), summed), (network.largest, network.summed))
    )


def quantized_form(network: WideDeep, training_token_ids: Sequence[NDArray[np.int32]]) -> onnx.ModelProto:
    """Write the graph in 8 bits, with the same inputs and output.

    Args:
        network: its numbers.
        training_token_ids: texts that tell how large each filter's answers become, int32[n, length] each.
    """
    peaks = _peaks(network, training_token_ids)
    step = float(network.vector_steps.max())
    scale = (network.vector_steps / step)[:, None]  # of each channel, which the weights take over
    # Relu and both pools commute with a positive factor: each filter gets the one that makes its largest answer 1.
    layers = [
        in_8_bits(Layer(weights * scale / peak, bias / peak, np.ones_like(peak)), step)
        for (weights, bias), peak in zip(network.convolutions, peaks, strict=True)
    ]
    writer = GraphWriter(INPUT, NGRAM_INPUT)
    table = writer.constant("embedding", network.vectors, np.uint8)
    value = writer.by_channel(writer.add("vectors", "Gather", table, INPUT))
    scaled = (writer.constant("vectors_step", step, np.float32), writer.constant("vectors_zero", CENTRE, np.uint8))
    result = (writer.constant("step", 1 / 255, np.float32), writer.constant("zero", 0, np.uint8))
    convolutions = [
        quantized_convolution(writer, f"conv{number}", value, scaled, layer, result, pads=_after(layer[1]))
        for number, layer in enumerate(layers, start=1)
    ]
    activations = writer.add("activations", "Concat", *convolutions, axis=1)
    padding = np.concatenate([requantized(bias, step, steps, 1 / 255) for steps, _, bias in layers])
    # The largest of all steps takes ReduceMax ten times as long as the largest of a few takes MaxPool.
    pools = writer.add("pools", "MaxPool", activations, kernel_shape=[1, POOL], strides=[1, POOL], ceil_mode=1)
    pooled = writer.add("pooled", "ReduceMax", writer.by_step("pools_by_step", pools), writer.axis(1), keepdims=0)
    largest = writer.add("largest", "Max", pooled, writer.constant("padding", padding, np.uint8))
    own = writer.add("own", "Unsqueeze", _is_id(writer, TensorProto.UINT8), writer.axis(1))
    summed = writer.add("summed", "MatMulInteger", own, writer.by_step("by_step", activations))
    units = np.stack(peaks) / 255
    features = _float64(writer, largest), _float64(writer, summed)
    return writer.model(_joined(writer, network, features, (network.largest * units, network.summed * units)))


def _after(weights: Floats) -> list[int]:
    """Pad the end of a text for a convolution, weights [kernel, ...], so that a step begins at each token id."""
    return [0, 0, 0, len(weights) - 1]


def _is_id(writer: GraphWriter, dtype: int) -> str:
    """Write 1 for each token id of a text and 0 for padding: [batch, length]."""
    return writer.add("is_id", "Cast", writer.add("sign", "Sign", INPUT), to=dtype)


def _float64(writer: GraphWriter, value: str) -> str:
    return writer.add(f"{value}_float64", "Cast", value, to=DOUBLE)


def _joined(writer: GraphWriter, network: WideDeep, features: tuple[str, str], weights: tuple[Floats, Floats]) -> str:
    """Add both paths' parts of the logit: float64[batch, 1].

    Args:
        writer: of the graph.
        network: its numbers.
        features: largest answers and sums of all filters, [batch, filters, any 1s] of float64.
        weights: of each, [convolutions, filters of one].
    """
    values = []
    for feature, its in zip(features, weights, strict=True):
        column = writer.constant(f"{feature}_weights", its.reshape(-1, 1), np.float64)
        values.append(
            writer.add(f"{feature}_logit", "MatMul", writer.add(f"{feature}_flat", "Flatten", feature), column)
        )
    table = writer.constant("ngrams", network.table, np.int16)
    rows = writer.add("ngram_rows", "Cast", writer.add("ngrams_found", "Gather", table, NGRAM_INPUT), to=INT32)
    sums = writer.add("ngram_sums", "ReduceSum", rows, writer.axis(1), keepdims=0)
    ids = writer.add("ids_read", "Gather", sums, writer.constant("counting", WIDE_COLUMNS - 1, np.int64), axis=1)
    values.append(_float64(writer, sums))
    lengths = np.arange(network.maxlen + 1)
    powers = length_powers(lengths)
    deep, offset = powers @ network.by_length[0], powers @ network.by_length[1]
    root = np.sqrt(lengths + ROOT_OFFSET)
    factors = np.column_stack([deep, deep / root, powers * network.steps[:3], np.zeros(len(lengths))])
    by_length = writer.add("factors", "Gather", writer.constant("factors_by_length", factors, np.float64), ids)
    offsets = writer.constant("offset_by_length", (offset + deep * network.bias)[:, None], np.float64)
    terms = writer.add("terms", "Mul", writer.add("values", "Concat", *values, axis=1), by_length)
    total = writer.add("sum_of_terms", "ReduceSum", terms, writer.axis(1), keepdims=1)
    return writer.add("logits", "Add", total, writer.add("offset", "Gather", offsets, ids))


def _peaks(network: WideDeep, arrays: Sequence[NDArray[np.int32]]) -> list[Floats]:
    """Select the largest answer of each filter, [filters] of each convolution."""
    peaks = [np.zeros(len(bias)) for _, bias in network.convolutions]
    exact = network.exact_vectors
    for array in arrays:
        vectors = exact[array]
        for number, (weights, bias) in enumerate(network.convolutions):
            padded = np.pad(vectors, ((0, 0), (0, len(weights)), (0, 0)))
            windows = sum(padded[:, tap : tap + array.shape[1] + 1] @ weights[tap] for tap in range(len(weights)))
            peaks[number] = np.maximum(peaks[number], (windows + bias).max(axis=(0, 1)))
    return [np.where(peak > 0, peak, 1) for peak in peaks]
