"""Write a network in 8 bits: uint8 activations, int8 weights, the Dense layer over whole steps in float64.

Everything follows from the largest value that each channel takes on calibration texts, its peak:

1. Tables become word vectors and a small convolution again: in 8 bits that costs less than adding up float rows.
2. Channels that stay near 0 are left out. A trained relu network has many of them.
3. Channels are balanced: relu and pools commute with a positive factor, so a weak channel can be made stronger and
   the weights that read it weaker. One scale then suits all channels of a layer better (Nagel et al., "Data-Free
   Quantization Through Weight Equalization and Bias Correction", 2019; Xiao et al., "SmoothQuant", 2022).
4. One scale an activation makes its largest peak 255; one a filter makes its weights as large as is safe.

Relu needs no node: what is below 0 saturates at uint8's 0, the zero point of all activations.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from training.graphs.float32 import PADDING_ID, Floats, FormWriter, Network, fits_table, float32_form, on_grid
from training.graphs.writer import INPUT, GraphWriter

IDLE = 0.03
"""A channel is left out if its peak is at most this part of the largest of its layer."""
LANES = 16
"""Channels are kept in multiples of this: onnxruntime's kernels compute so many at once."""
BALANCE = 0.5
"""Share of the differences between peaks that moves into the weights: 0 is none, 1 makes all peaks equal."""
PAIR_LIMIT = 127.5
"""Largest sum of two neighbouring weights, in steps. CPUs without VNNI add two products with uint8 in saturating 16
bits: (127.5 + 1 for rounding, whole) * 255 still fits, so every CPU computes the same."""
BATCH_SIZE = 32


@dataclass
class Layer:
    """Hold a convolution on its way to 8 bits."""

    weights: Floats  # [kernel, channels_in, channels_out]
    bias: Floats  # [channels_out]
    peaks: Floats  # [channels_out], after relu

    @property
    def scale(self) -> float:
        """Return the value of one step of the uint8 activation; any value will do if the activation is always 0."""
        return float(self.peaks.max()) / 255 or 1.0


def quantized_form(
    network: Network, calibration_token_ids: NDArray[np.int32] | Sequence[NDArray[np.int32]]
) -> onnx.ModelProto:
    """Write a network in 8 bits, with the input and output of `float32_form`.

    Args:
        network: trained.
        calibration_token_ids: post-padded texts int32[n, length], or several such arrays of different lengths: a
            thousand or more training texts, none that the network is measured on.

    Returns:
        The graph. In it, too, a text's answer does not depend on how far its batch is padded.
    """
    arrays = [calibration_token_ids] if isinstance(calibration_token_ids, np.ndarray) else calibration_token_ids
    peaks = _peaks(float32_form(network), arrays)
    if fits_table(network):
        network = factored_network(network)
    convolutions = (convolution for block in network.blocks for convolution in block.convolutions)
    layers = [Layer(*convolution, peak) for convolution, peak in zip(convolutions, peaks, strict=True)]
    network = replace(network, dense=leave_out_idle_channels(layers, network.dense))
    network = replace(network, embedding=balance_channels(network.embedding, layers))
    return _written(network, layers)


def leave_out_idle_channels(layers: list[Layer], dense: Floats) -> Floats:
    """Remove weak channels from layers and their readers; return the Dense weights [positions, channels] left."""
    for layer, reader in zip(layers, [*layers[1:], None], strict=True):
        active = int((layer.peaks > IDLE * layer.peaks.max()).sum())
        wanted = max(LANES, -(-active // LANES) * LANES)
        kept = np.sort(np.argsort(-layer.peaks, kind="stable")[:wanted])
        layer.weights, layer.bias, layer.peaks = layer.weights[:, :, kept], layer.bias[kept], layer.peaks[kept]
        if reader:
            reader.weights = reader.weights[:, kept]
        else:
            dense = dense[:, kept]
    return dense


def balance_channels(vectors: Floats, layers: list[Layer]) -> Floats:
    """Scale channels and, inversely, the weights that read them; return the word vectors scaled likewise."""
    factors = balancing(np.abs(vectors).max(axis=0))
    vectors = vectors * factors
    for layer in layers:
        layer.weights = layer.weights / factors[:, None]
        if layer is not layers[-1]:  # the Dense layer stays in float32 and gains nothing
            factors = balancing(layer.peaks)
            layer.weights, layer.bias = layer.weights * factors, layer.bias * factors
            layer.peaks = layer.peaks * factors
    return vectors


def balancing(peaks: Floats) -> Floats:
    """Return the factors that make the peaks of channels more alike: [channels]."""
    largest = max(float(peaks.max()), float(np.finfo(np.float32).tiny))
    factors: Floats = (largest / np.maximum(peaks, largest * IDLE)) ** BALANCE
    return factors


def _peaks(form: onnx.ModelProto, arrays: Sequence[NDArray[np.int32]]) -> list[Floats]:
    """Return the largest value of each channel after each relu."""
    names = [node.output[0] for node in form.graph.node if node.op_type == "Relu"]
    observed = onnx.ModelProto()
    observed.CopyFrom(form)
    observed.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(observed.SerializeToString(), providers=["CPUExecutionProvider"])
    peaks: list[Floats] = [np.zeros(1)] * len(names)
    for batch in batches(arrays):
        values = session.run(names, {INPUT: batch})
        peaks = [np.maximum(peak, value.max(axis=(0, 2, 3))) for peak, value in zip(peaks, values, strict=True)]
    return peaks


def batches(arrays: Sequence[NDArray[np.int32]]) -> Iterator[NDArray[np.int32]]:
    """Yield texts of similar length together, without the padding that none of them needs."""
    for array in arrays:
        lengths = np.where(array == PADDING_ID, 0, np.arange(array.shape[1]) + 1).max(axis=1, initial=1)
        by_length = np.argsort(lengths, kind="stable")
        for start in range(0, len(array), BATCH_SIZE):
            rows = by_length[start : start + BATCH_SIZE]
            yield array[rows, : lengths[rows[-1]]]


def factored_network(network: Network) -> Network:
    """Return the same network with no more word vector columns than needed, in a basis that loses least in 8 bits."""
    first, *others = network.blocks
    weights, bias = first.convolutions[0]
    vectors, kernel, means = factored(network.embedding @ weights)
    block = replace(first, convolutions=((kernel, means + bias), *first.convolutions[1:]))
    return replace(network, embedding=vectors, blocks=(block, *others))


def factored(tables: Floats) -> tuple[Floats, Floats, Floats]:
    """Factor lookup tables into word vectors and a convolution over them.

    Args:
        tables: [kernel, num_words, filters].

    Returns:
        Vectors [num_words, rank], weights [kernel, rank, filters] and bias [filters]; `vectors @ weights[tap]` are
        the tables but for the tables' means, whose sum is the bias.
    """
    kernel, num_words, filters = tables.shape
    means = tables.mean(axis=1, dtype=np.float64)  # vectors around 0 make the best use of 8 bits
    rows = (tables - means[:, None]).transpose(1, 0, 2).reshape(num_words, kernel * filters)
    left, strengths, right = np.linalg.svd(rows, full_matrices=False)
    rank = max(1, int((strengths > 1e-5 * strengths[0]).sum()))  # below is the tables' own float32 rounding
    # Any basis of the vectors would do. Half of each strength on either side and a random rotation make the numbers
    # of all columns alike in size, on both sides: those are the ones that lose least in 8 bits.
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(rank, rank)))[0]
    vectors = left[:, :rank] * np.sqrt(strengths[:rank]) @ rotation
    weights = rotation.T @ (np.sqrt(strengths[:rank, None]) * right[:rank])
    return vectors, weights.reshape(rank, kernel, filters).transpose(1, 0, 2), means.sum(axis=0)


@dataclass(frozen=True)
class QuantizedVectors:
    """Describe word vectors in 8 bits.

    Attributes:
        scaled: names of the constants that hold their step and their zero point.
        step: value of one step.
        padding: the vector of padding, in steps.
    """

    scaled: tuple[str, str]
    step: float
    padding: Floats


def quantized_vectors(writer: GraphWriter, vectors: Floats, ids: str) -> tuple[str, QuantizedVectors]:
    """Add the lookup of word vectors in 8 bits: uint8[batch, channels, 1, n], and describe them.

    Args:
        writer: of the graph.
        vectors: [num_words, channels].
        ids: the name of the token ids, [batch, n].
    """
    low, high = min(float(vectors.min()), 0.0), max(float(vectors.max()), 0.0)
    step = (high - low) / 255 or 1.0
    centre = round(-low / step)
    scaled = (writer.constant("vectors_step", step, np.float32), writer.constant("vectors_zero", centre, np.uint8))
    table = np.clip(np.rint(vectors / step) + centre, 0, 255)
    value = writer.add("vectors", "Gather", writer.constant("embedding", table, np.uint8), ids)
    return writer.by_channel(value), QuantizedVectors(scaled, step, table[PADDING_ID] - centre)


def quantized_convolution(
    writer: GraphWriter,
    name: str,
    value: str,
    scaled: tuple[str, str],
    quantized: tuple[Floats, Floats, Floats],
    result: tuple[str, str],
    **attributes: Any,
) -> str:
    """Add a convolution in 8 bits; saturating at 0 is its relu.

    Args:
        writer: of the graph.
        name: of the node.
        value: its input, uint8[batch, channels_in, 1, n].
        scaled: names of the step and the zero point of its input.
        quantized: the layer as `in_8_bits` gives it.
        result: names of the step and the zero point of its output.
        attributes: of the node, such as `pads`.
    """
    steps, weights, bias = quantized
    kernel = (
        writer.constant(f"{name}_weights", weights.transpose(2, 1, 0)[:, :, None], np.int8),
        writer.constant(f"{name}_steps", steps, np.float32),
        writer.constant(f"{name}_zeros", np.zeros(len(steps)), np.int8),
    )
    offset = writer.constant(f"{name}_bias", bias, np.int32)
    return writer.add(name, "QLinearConv", value, *scaled, *kernel, *result, offset, **attributes)


def _written(network: Network, layers: list[Layer]) -> onnx.ModelProto:
    network = _with_dense_over_steps(network, layers[-1].scale)
    writer = FormWriter(network)
    zero = writer.constant("uint8_zero", 0, np.uint8)
    value, vectors = quantized_vectors(writer, network.embedding, writer.ids())
    scaled, step = vectors.scaled, vectors.step
    padding = vectors.padding  # the steps that positions beyond the text hold, layer after layer
    rest = iter(layers)
    for number, block in enumerate(network.blocks):
        if number > 0:
            value = writer.extended(value, number)
        for position, layer in enumerate(islice(rest, len(block.convolutions)), start=1):
            name = f"conv{number + 1}_{position}"
            steps, weights, bias = in_8_bits(layer, step)
            result = (writer.constant(f"{name}_step", layer.scale, np.float32), zero)
            value = quantized_convolution(writer, name, value, scaled, (steps, weights, bias), result)
            padding = requantized(padding @ weights.sum(axis=0) + bias, step, steps, layer.scale)
            scaled, step = result, layer.scale
        value = writer.pool(value, number)
    return writer.model(writer.dense(value, padding))


def _with_dense_over_steps(network: Network, step: float) -> Network:
    """Return the network with a Dense layer over whole steps, whose sums are exact and so the same in any order."""
    dense = network.dense * step
    largest = 255 * float(np.abs(dense).sum()) + abs(network.dense_bias)
    bias = float(on_grid(np.array(network.dense_bias), largest))
    return replace(network, dense=on_grid(dense, largest), dense_bias=bias)


def requantized(sums: Floats, input_step: float, steps: Floats, output_step: float) -> Floats:
    """Return a convolution's sums in steps of its output, rounded in float32 as onnxruntime does it, step for step."""
    factors = np.float32(input_step) * steps.astype(np.float32) / np.float32(output_step)
    rounded: Floats = np.clip(np.rint(sums.astype(np.float32) * factors), 0, 255).astype(np.float64)
    return rounded


def in_8_bits(layer: Layer, input_step: float) -> tuple[Floats, Floats, Floats]:
    """Return the value of a step of each filter, the weights in steps, and the bias in steps of the sums (int32)."""
    sizes = np.abs(layer.weights).reshape(-1, len(layer.bias))  # neighbours here are neighbours in onnxruntime's sums
    pairs = sizes[:-1] + sizes[1:] if len(sizes) > 1 else sizes
    steps = np.maximum(sizes.max(axis=0) / 127, pairs.max(axis=0) / PAIR_LIMIT)
    steps = np.maximum(steps, np.abs(layer.bias) / input_step / 2**30)  # the bias of a filter of almost nothing
    steps = np.maximum(steps, np.finfo(np.float32).tiny)
    return steps, np.rint(layer.weights / steps), np.rint(layer.bias / (steps * input_step))
