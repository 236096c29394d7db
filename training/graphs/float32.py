"""Write a trained network as an ONNX graph that computes only what the text can change.

Three facts about unpadded convolutions and pools over post-padded token ids make it exact:

1. *Beyond the text, every layer repeats one vector*, because each of its windows there sees padding only. A layer
   is computed up to the first such position; what the next layers read further right is a copy of that one.
2. *The Dense layer's sum over those positions is known beforehand.* It depends on where they begin and on nothing
   else, so it is one number for each possible beginning.
3. *An embedding followed by a convolution is a sum of table rows*: each tap of the kernel sees one id, and maps it
   to a row of `embedding @ tap`.

Convolutions stay four-dimensional, [1, kernel]: onnxruntime has its blocked (NCHWc) kernels for that shape only.

A text gets the same number, to the last bit, whatever its batch holds and however far it is padded:

- The blocked kernels add up each output of a convolution by itself and in one order, wherever it stands. They take
  channels in multiples of 4 (or a handful); of other numbers, and on processors without such kernels, the sums of long
  float32 convolutions may depend on the width.
- The Dense layer and the sigmoid compute in float64: onnxruntime's float32 product adds up in another order for one
  row than for several, and its float32 sigmoid rounds otherwise alone than in a vector.
- What a processor computes on padding is not to the last bit what is known beforehand, and may differ from one
  processor to the next. So in float32 the positions beyond a text's own are set to 0, and its known sum is that of
  its own length (`own_positions`). In 8 bits these are whole numbers, the same everywhere, and so few bits long that
  float64 adds them up exactly (`on_grid`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from training.graphs.writer import INPUT, GraphWriter

PADDING_ID = 0
MAX_TABLE_VALUES = 8_000_000
"""Largest lookup table, in float32 values, that replaces embedding and first convolution."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Block:
    """Hold convolutions, each followed by relu, and the pool that ends them."""

    convolutions: tuple[tuple[Floats, Floats], ...]  # weights [kernel, channels_in, channels_out], bias [channels_out]
    pool_size: int

    @property
    def halo(self) -> int:
        """Return the number of positions by which the convolutions shorten their input."""
        return sum(len(weights) - 1 for weights, _ in self.convolutions)


@dataclass(frozen=True)
class Network:
    """Hold the parts of a network in float64: embedding, blocks, and a Dense layer over all that they give."""

    maxlen: int
    embedding: Floats  # [num_words, embedding_dim]
    blocks: tuple[Block, ...]
    dense: Floats  # [positions, channels]
    dense_bias: float


def reach(network: Network, length: int) -> tuple[list[int], int]:
    """Compute how far each block has to be computed for texts of `length` ids.

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


def padding_vector(network: Network) -> Floats:
    """Return what every position beyond the text holds after the last pool: [channels]."""
    padding: Floats = network.embedding[PADDING_ID]
    for block in network.blocks:
        for weights, bias in block.convolutions:
            padding = np.maximum(0, padding @ weights.sum(axis=0) + bias)  # the same vector under each tap
    return padding


def fits_table(network: Network) -> bool:
    """Tell whether embedding and first convolution are small enough to become one lookup table."""
    weights, bias = network.blocks[0].convolutions[0]
    return len(network.embedding) * len(weights) * len(bias) <= MAX_TABLE_VALUES


def on_grid(values: Floats, largest_sum: float) -> Floats:
    """Round values to a power of two so small that nothing is lost and float64 adds them up exactly.

    Whole multiples of the results add up to the same number in any order.

    Args:
        values: any.
        largest_sum: upper bound of the sum of the absolute terms.
    """
    grid = 2.0 ** (np.ceil(np.log2(max(largest_sum, float(np.finfo(np.float32).tiny)))) - 52)
    rounded: Floats = np.rint(values / grid) * grid
    return rounded


class FormWriter(GraphWriter):
    """Write the graph of a network, in one precision or another.

    Values that depend on the length alone are looked up in a table: fewer nodes to run than arithmetic on shapes.
    """

    def __init__(self, network: Network) -> None:
        super().__init__(INPUT)
        self._network = network
        self._reaches = [reach(network, max(1, length)) for length in range(network.maxlen + 1)]
        self._positions = np.array([present for _, present in self._reaches])
        self._zero = self.constant("zero", [0], np.int64)
        self.add("length", "Squeeze", self.add("shape", "Shape", INPUT, start=1, end=2))

    def ids(self) -> str:
        """Add the token ids, padded as far as the first block needs: int32[batch, n]."""
        return self._extended("ids", INPUT, block=0, rank=2)  # Pad writes 0, the padding id, if not told otherwise

    def extended(self, value: str, block: int) -> str:
        """Add a block's input [batch, channels, 1, n] and as many copies of its last position as the block needs."""
        return self._extended(f"extended{block + 1}", value, block, rank=4, mode="edge")

    def _extended(self, name: str, value: str, block: int, rank: int, **attributes: Any) -> str:
        pads = np.zeros((len(self._reaches), 2 * rank))
        pads[:, -1] = [appended[block] for appended, _ in self._reaches]
        table = self.constant(f"{name}_by_length", pads, np.int64)
        return self.add(name, "Pad", value, self.add(f"{name}_pads", "Gather", table, "length"), **attributes)

    def pool(self, value: str, block: int) -> str:
        """Add the pool that ends a block."""
        window = [1, self._network.blocks[block].pool_size]
        return self.add(f"pool{block + 1}", "MaxPool", value, kernel_shape=window, strides=window)

    def own_positions(self, value: str) -> tuple[str, str]:
        """Add the last pool's output with 0 where a text that is shorter than its batch would not be computed alone.

        Returns:
            float32[batch, channels, 1, positions], and the lengths of the texts, int64[batch].
        """
        last = self.add("last", "ArgMax", self.add("is_id", "Sign", INPUT), axis=1, keepdims=0, select_last_index=1)
        lengths = self.add("lengths", "Add", last, self.constant("one", 1, np.int64))
        inside = np.arange(self._positions[-1]) < self._positions[:, None]
        own = self.add("own", "Gather", self.constant("own_by_length", inside[:, None, None], np.float32), lengths)
        table = self.constant("positions_by_length", self._positions[:, None], np.int64)
        computed = self.add("positions", "Gather", table, "length")
        own = self.add("own_computed", "Slice", own, self._zero, computed, self.axis(3))
        return self.add("own_features", "Mul", value, own), lengths

    def dense(self, value: str, padding: Floats, lengths: str = "length") -> str:
        """Add the Dense layer over the computed positions and its known sum over the others: logits float64[batch, 1].

        Args:
            value: the last pool's output, [batch, channels, 1, positions].
            padding: what the positions beyond the text hold there.
            lengths: the lengths that the known sums begin at: the batch's length, or the texts' own.
        """
        dense = self._network.dense
        # Sums from the last position to the first: the rest by where it begins, and none of it at the very end.
        rest = np.append(np.cumsum((dense @ padding)[::-1])[::-1], 0) + self._network.dense_bias
        rest_table = self.constant("rest_by_length", rest[self._positions, None], np.float64)
        rows_table = self.constant("dense_rows_by_length", self._positions[:, None] * dense.shape[1], np.int64)
        rows = self.add("dense_rows", "Gather", rows_table, "length")
        weights = self.constant("dense_weights", dense.reshape(-1, 1), np.float64)
        used = self.add("dense_used", "Slice", weights, self._zero, rows)
        features = self.add("features", "Flatten", self.add("by_position", "Transpose", value, perm=[0, 2, 3, 1]))
        features = self.add("features_float64", "Cast", features, to=TensorProto.DOUBLE)
        return self.add("logits", "Gemm", features, used, self.add("rest", "Gather", rest_table, lengths))


def float32_form(network: Network) -> onnx.ModelProto:
    """Write the graph of a network without its work on padding.

    It maps `token_ids` int32[batch, length] to `probability` float32[batch] for every length from 1 to the network's
    maxlen. The texts of a batch are post-padded with 0 to the longest of them; more padding changes no answer. Each
    answer is the one that Keras gives for the same text post-padded to maxlen.
    """
    writer = FormWriter(network)
    value = _first_convolution(writer, network)
    for number, block in enumerate(network.blocks):
        if number > 0:
            value = writer.extended(value, number)
        for position, (weights, bias) in enumerate(block.convolutions):
            name = f"conv{number + 1}_{position + 1}"
            if number + position > 0:
                value = writer.convolution(name, value, weights, bias)
            value = writer.add(f"{name}_relu", "Relu", value)
        value = writer.pool(value, number)
    value, lengths = writer.own_positions(value)
    return writer.model(writer.dense(value, padding_vector(network), lengths))


def _first_convolution(writer: FormWriter, network: Network) -> str:
    """Add the first convolution, before relu: int32[batch, n] -> float32[batch, filters, 1, n - kernel + 1]."""
    weights, bias = network.blocks[0].convolutions[0]
    kernel, ids = len(weights), writer.ids()
    if not fits_table(network):
        vectors = writer.constant("embedding", network.embedding, np.float32)
        value = writer.by_channel(writer.add("vectors", "Gather", vectors, ids))
        return writer.convolution("conv1_1", value, weights, bias)
    rows = ""
    for tap in range(kernel):
        start = writer.constant(f"tap{tap}_from", [tap], np.int64)
        end = writer.constant(f"tap{tap}_to", [tap + 1 - kernel or np.iinfo(np.int64).max], np.int64)
        seen = writer.add(f"tap{tap}_ids", "Slice", ids, start, end, writer.axis(1))
        table = network.embedding @ weights[tap] + (bias if tap == 0 else 0)
        added = writer.add(f"tap{tap}_rows", "Gather", writer.constant(f"tap{tap}_table", table, np.float32), seen)
        rows = writer.add(f"tap{tap}_sum", "Add", rows, added) if rows else added
    return writer.by_channel(rows)
