"""The trained network as ONNX graphs that compute no more than the texts need, in float32 and in 8 bits.

A text gets the same number whatever its batch holds and however far it is padded:

- One step of each convolution that sees nothing but padding counts for the largest answer; further ones are alike.
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
from training.graphs.int8 import Layer, in_8_bits, quantized_convolution
from training.graphs.writer import INPUT, GraphWriter
from training.wide_deep.lengths import length_powers
from training.wide_deep.network import ROOT_OFFSET, WIDE_COLUMNS

NGRAM_INPUT = "ngram_ids"
BATCH_SIZE = 8
CENTRE = 128
"""Step that stands for 0, of 256."""


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

    @property
    def widest(self) -> int:
        """Token ids that a step of the widest convolution sees."""
        return max(len(weights) for weights, _ in self.convolutions)


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
    found = writer.add("vectors_found", "Gather", table, _extended_ids(writer, network.widest))
    around = writer.add("vectors_around", "Cast", found, to=TensorProto.FLOAT)
    steps = writer.add("vectors_in_steps", "Sub", around, writer.constant("centre", CENTRE, np.float32))
    vectors = writer.add("vectors", "Mul", steps, writer.constant("vector_steps", network.vector_steps, np.float32))
    value = writer.by_channel(vectors)
    pooled = []
    for number, (weights, bias) in enumerate(network.convolutions):
        name = f"conv{number + 1}"
        activations = writer.add(f"{name}_relu", "Relu", writer.convolution(name, value, weights, bias))
        largest = _float64(writer, writer.add(f"{name}_max", "GlobalMaxPool", activations))
        own = _own_steps(writer, name, len(weights), TensorProto.DOUBLE)
        by_filter = writer.add(f"{name}_by_filter", "Squeeze", _float64(writer, activations), writer.axis(2))
        pooled.append((largest, writer.add(f"{name}_sum", "MatMul", by_filter, own)))
    return writer.model(_joined(writer, network, pooled, network.largest, network.summed))


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
        Layer(weights * scale / peak, bias / peak, np.ones_like(peak))
        for (weights, bias), peak in zip(network.convolutions, peaks, strict=True)
    ]
    writer = GraphWriter(INPUT, NGRAM_INPUT)
    table = writer.constant("embedding", network.vectors, np.uint8)
    value = writer.by_channel(writer.add("vectors", "Gather", table, _extended_ids(writer, network.widest)))
    scaled = (writer.constant("vectors_step", step, np.float32), writer.constant("vectors_zero", CENTRE, np.uint8))
    result = (writer.constant("step", 1 / 255, np.float32), writer.constant("zero", 0, np.uint8))
    pooled = []
    for number, layer in enumerate(layers):
        name = f"conv{number + 1}"
        quantized = in_8_bits(layer, step)
        activations = quantized_convolution(writer, name, value, scaled, quantized, result)
        activations = writer.add(f"{name}_by_filter", "Squeeze", activations, writer.axis(2))
        largest = writer.add(f"{name}_max", "ReduceMax", activations, writer.axis(2))
        own = _own_steps(writer, name, len(layer.weights), TensorProto.UINT8)
        summed = writer.add(f"{name}_sum", "MatMulInteger", activations, own)
        pooled.append((_float64(writer, largest), _float64(writer, summed)))
    units = np.stack(peaks) / 255
    return writer.model(_joined(writer, network, pooled, network.largest * units, network.summed * units))


def _extended_ids(writer: GraphWriter, widest: int) -> str:
    """Put padding behind the token ids, so that each convolution has a step that sees nothing else."""
    return writer.add("ids", "Pad", INPUT, writer.constant("ids_pads", [0, 0, 0, widest], np.int64))


def _own_steps(writer: GraphWriter, name: str, width: int, dtype: int) -> str:
    """1 for the steps of a convolution that begin at an id of the text, 0 for others: [batch, steps, 1]."""
    is_id = writer.add(f"{name}_is_id", "Cast", writer.add(f"{name}_sign", "Sign", "ids"), to=dtype)
    if width > 1:  # its steps are fewer than the ids, by padding
        end = writer.constant(f"{name}_end", [1 - width], np.int64)
        is_id = writer.add(
            f"{name}_own_ids", "Slice", is_id, writer.constant(f"{name}_first", [0], np.int64), end, writer.axis(1)
        )
    return writer.add(f"{name}_own", "Unsqueeze", is_id, writer.axis(2))


def _float64(writer: GraphWriter, value: str) -> str:
    return writer.add(f"{value}_float64", "Cast", value, to=TensorProto.DOUBLE)


def _joined(
    writer: GraphWriter, network: WideDeep, pooled: Sequence[tuple[str, str]], largest: Floats, summed: Floats
) -> str:
    """Add both paths' parts of the logit: float64[batch, 1].

    Args:
        writer: of the graph.
        network: its numbers.
        pooled: of each convolution the largest answers and the sums, [batch, filters, any 1s] of float64.
        largest: weights of the first, [convolutions, filters].
        summed: weights of the second.
    """
    values = []
    for which, weights in enumerate((largest, summed)):
        name = ("largest", "summed")[which]
        flat = [writer.add(f"{pools[which]}_flat", "Flatten", pools[which]) for pools in pooled]
        features = writer.add(name, "Concat", *flat, axis=1)
        column = writer.constant(f"{name}_weights", weights.reshape(-1, 1), np.float64)
        values.append(writer.add(f"{name}_logit", "MatMul", features, column))
    table = writer.constant("ngrams", network.table, np.int16)
    rows = writer.add(
        "ngram_rows", "Cast", writer.add("ngrams_found", "Gather", table, NGRAM_INPUT), to=TensorProto.INT32
    )
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
    return [np.maximum(peak, np.finfo(np.float32).tiny) for peak in peaks]
