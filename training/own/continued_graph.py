"""Write the graph of a model that continues another: its graph inside, the weights of n-grams beside it."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose

from service.inference.bundle import Bundle
from training.graphs.writer import INPUT, GraphWriter
from training.own.fit import NgramModel
from training.own.graph import NGRAM_INPUT, ngram_logits, ngram_table
from training.own.start import Start
from training.trained import Graphs, Ngrams

_PREFIX = "base/"
_PRECISIONS = {"reference": "float32", "int8": "int8"}
"""Graph of the continued model for each graph of the new one. Only its logit is used, so that its float32 form, which
takes texts of any length, serves as the reference."""


def continued_graphs(model: NgramModel, maxlen: int, max_order: int, start: Start) -> Graphs:
    """Write the graphs `token_ids`, `ngram_ids` -> `probability` float32[batch], and the keys of their n-grams.

    The n-grams of both models are numbered together; inside, a table turns each number into that of the continued
    model, 0 where it has no weight for the n-gram.

    Args:
        model: fitted beside the logits of `start`.
        maxlen: largest number of ids of a text.
        max_order: ids in the longest n-gram of `model`.
        start: the continued model.
    """
    bundle = start.bundle
    spec = bundle.manifest.ngrams
    base_keys = bundle.read_ngrams(spec) if spec else np.zeros(0, np.int64)
    own_keys, own_table = ngram_table(model, max_order * maxlen)
    keys = np.union1d(base_keys, own_keys)
    table = np.zeros(model.num_words + len(keys))
    table[: model.num_words] = own_table[: model.num_words]
    table[model.num_words + np.searchsorted(keys, own_keys)] = own_table[model.num_words :]
    base_ids = np.zeros(len(table), np.int32)
    base_ids[: model.num_words] = np.arange(model.num_words)
    base_ids[model.num_words + np.searchsorted(keys, base_keys)] = model.num_words + np.arange(len(base_keys))
    graphs = {
        precision: _graph(bundle, of_base, model, table, base_ids)
        for precision, of_base in _PRECISIONS.items()
        if of_base in bundle.manifest.graphs
    }
    longest = max(max_order, spec.max_order if spec else 0)
    return Graphs(graphs, (), Ngrams(NGRAM_INPUT, keys, longest))


def _graph(
    bundle: Bundle, precision: str, model: NgramModel, table: NDArray[np.floating], base_ids: NDArray[np.int32]
) -> onnx.ModelProto:
    """Write one graph.

    Args:
        bundle: the continued model.
        precision: of its graph.
        model: the weights beside it.
        table: weight of each n-gram id, float64[ids].
        base_ids: n-gram id of the continued model for each n-gram id, int32[ids].
    """
    manifest = bundle.manifest
    writer = GraphWriter(INPUT, NGRAM_INPUT)
    writer.add(f"{_PREFIX}{manifest.input.name}", "Identity", INPUT)
    if manifest.ngrams:
        to_base = writer.constant("base_ids", base_ids, np.int32)
        writer.add(f"{_PREFIX}{manifest.ngrams.name}", "Gather", to_base, NGRAM_INPUT)
    base = onnx.load_from_string(bundle.read(bundle.graph_path(precision).name))
    writer.include(compose.add_prefix(base, _PREFIX))
    exact = writer.add("base_logit_float64", "Cast", f"{_PREFIX}{manifest.output.logit}", to=TensorProto.DOUBLE)
    column = writer.add("base_logits", "Unsqueeze", exact, writer.axis(1))
    weighted = writer.add(
        "weighted_base_logits", "Mul", column, writer.constant("base_weight", model.base_weight, np.float64)
    )
    return writer.model(writer.add("logits", "Add", weighted, ngram_logits(writer, table, model.bias)))
