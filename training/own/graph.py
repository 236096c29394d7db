"""Write n-gram weights as an ONNX graph."""

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from training.graphs.float32 import Floats, on_grid
from training.graphs.writer import INPUT, GraphWriter
from training.own.fit import NgramModel
from training.own.ngrams import ROOT_OFFSET
from training.trained import Graphs, Ngrams

NGRAM_INPUT = "ngram_ids"


def ngram_graphs(model: NgramModel, max_order: int, maxlen: int) -> Graphs:
    """Write the graph `token_ids`, `ngram_ids` -> `probability` float32[batch], and the keys of its n-grams.

    Args:
        model: fitted.
        max_order: ids in the longest n-gram.
        maxlen: largest number of ids of a text.
    """
    keys, table = ngram_table(model, max_order * maxlen)
    writer = GraphWriter(INPUT, NGRAM_INPUT)
    graph = writer.model(ngram_logits(writer, table, model.bias))
    return Graphs({"reference": graph}, (), Ngrams(NGRAM_INPUT, keys, max_order))


def ngram_table(model: NgramModel, most: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the keys of all n-grams of two ids and more, rising, and the weight of each n-gram id.

    The weights are rounded to a grid on which float64 adds them up exactly, so that a text gets the same number to the
    last bit whatever its batch holds.

    Args:
        model: fitted.
        most: n-grams that a text may have.

    Returns:
        int64[n], and float64[num_words + n]: of the token ids, then of the keys.
    """
    words, *ngrams = model.features.keys
    keys = np.concatenate([np.zeros(0, np.int64), *ngrams])
    order = np.argsort(keys)
    table: Floats = np.zeros(model.num_words + len(keys))
    table[words] = model.weights[: len(words)]
    table[model.num_words :] = model.weights[len(words) :][order]
    return keys[order], on_grid(table, most * float(np.abs(table).max()))


def ngram_logits(writer: GraphWriter, table: Floats, bias: float) -> str:
    """Add the sum of the weights of a text's n-grams, divided by the root of its length, and the bias.

    Args:
        writer: of the graph, whose inputs are token ids and n-gram ids.
        table: weight of each n-gram id, float64[ids].
        bias: added to the quotient.

    Returns:
        The name of the logits, float64[batch, 1].
    """
    weights = writer.constant("ngram_weights", table[:, None], np.float64)
    found = writer.add("ngrams_found", "Gather", weights, NGRAM_INPUT)
    sums = writer.add("ngram_sums", "ReduceSum", found, writer.axis(1), keepdims=0)
    is_id = writer.add("is_id", "Cast", writer.add("sign", "Sign", INPUT), to=TensorProto.DOUBLE)
    ids = writer.add("ids", "ReduceSum", is_id, writer.axis(1), keepdims=1)
    root = writer.add(
        "root", "Sqrt", writer.add("offset_ids", "Add", ids, writer.constant("offset", ROOT_OFFSET, np.float64))
    )
    scaled = writer.add("scaled_sums", "Div", sums, root)
    return writer.add("ngram_logits", "Add", scaled, writer.constant("bias", bias, np.float64))
