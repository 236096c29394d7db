"""A second output for a graph: the logit, which a float32 probability close to 0 or 1 does not hold any more."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from training.errors import ExportError

LOGIT = "logit"

_SAME_VALUES = {"Squeeze", "Unsqueeze", "Reshape", "Flatten", "Identity", "Transpose", "Cast"}


def add_logit(model: onnx.ModelProto, probability: str) -> onnx.ModelProto:
    """Add the output `logit`, float32[batch]: what the sigmoid of the graph reads. The rest stays as it is.

    Args:
        model: whose only output is a sigmoid, perhaps reshaped.
        probability: name of that output.

    Raises:
        ExportError: it is something else.
    """
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    for names in (names for node in extended.graph.node for names in (node.input, node.output)):
        names[:] = [f"{LOGIT}_within" if name == LOGIT else name for name in names]
    producers = {name: node for node in extended.graph.node for name in node.output}
    node = producers.get(probability)
    while node is not None and node.op_type in _SAME_VALUES:
        node = producers.get(node.input[0])
    if node is None or node.op_type != "Sigmoid":
        raise ExportError(f"the graph's {probability} comes from {node.op_type if node else 'nowhere'}, not a sigmoid.")
    extended.graph.initializer.append(numpy_helper.from_array(np.array([-1]), "one_for_each_text"))
    # The sigmoid may compute in float64.
    extended.graph.node.append(helper.make_node("Cast", [node.input[0]], [f"{LOGIT}_float32"], to=TensorProto.FLOAT))
    extended.graph.node.append(helper.make_node("Reshape", [f"{LOGIT}_float32", "one_for_each_text"], [LOGIT]))
    extended.graph.output.append(helper.make_tensor_value_info(LOGIT, TensorProto.FLOAT, ["batch"]))
    onnx.checker.check_model(extended)
    return extended
