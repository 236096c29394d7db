"""Hold the tables of the reference graph in whole steps, as the other forms do: a quarter or half of the size."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from training.errors import ExportError
from training.wide_deep.form import CENTRE, WideDeep


def with_tables_in_steps(graph: onnx.ModelProto, network: WideDeep) -> onnx.ModelProto:
    """Replace the float32 tables of word vectors and n-grams by whole steps, and what they are to be multiplied with.

    Args:
        graph: as tf2onnx makes it; it is changed.
        network: whose numbers it holds.

    Raises:
        ExportError: the graph has no such table, or reads it in another way.
    """
    _replace(graph, network.vectors, CENTRE, network.vector_steps)
    _replace(graph, network.table, 0, network.steps)
    onnx.checker.check_model(graph, full_check=True)
    return graph


def _replace(graph: onnx.ModelProto, table: Any, centre: int, steps: Any) -> None:
    found = [constant for constant in graph.graph.initializer if tuple(constant.dims) == table.shape]
    nodes = list(graph.graph.node)
    readers = [node for node in nodes if found and found[0].name in node.input]
    if len(found) != 1 or [node.op_type for node in readers] != ["Gather"]:
        raise ExportError(f"the reference graph does not look up one table of {table.shape}.")
    constant, reader = found[0], readers[0]
    name, value = constant.name, reader.output[0]
    constant.CopyFrom(numpy_helper.from_array(table, name))
    numbers = {f"{name}_centre": centre, f"{name}_steps": steps}
    graph.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(its, np.float32), key) for key, its in numbers.items()
    )
    reader.output[0] = f"{value}_found"
    added = [
        helper.make_node("Cast", [f"{value}_found"], [f"{value}_whole"], to=TensorProto.FLOAT),
        helper.make_node("Sub", [f"{value}_whole", f"{name}_centre"], [f"{value}_around_0"]),
        helper.make_node("Mul", [f"{value}_around_0", f"{name}_steps"], [value]),
    ]
    place = nodes.index(reader) + 1
    del graph.graph.node[:]
    graph.graph.node.extend([*nodes[:place], *added, *nodes[place:]])
