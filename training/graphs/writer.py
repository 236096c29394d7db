"""Writes an ONNX graph node by node; a node and its output share a name."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from training.errors import ExportError

OPSET, IR_VERSION = 18, 9
INPUT, OUTPUT = "token_ids", "probability"


class GraphWriter:
    """A graph from token ids to the probability, in the making.

    Args:
        inputs: names of its inputs, each int32[batch, any length].
    """

    def __init__(self, *inputs: str) -> None:
        self._inputs = inputs
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._axes: dict[int, str] = {}

    def axis(self, number: int) -> str:
        """Return the name of a constant that holds the number of an axis."""
        if number not in self._axes:
            self._axes[number] = self.constant(f"axis_{number}", [number], np.int64)
        return self._axes[number]

    def constant(self, name: str, values: Any, dtype: type) -> str:
        """Add a constant and return its name."""
        self._constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def add(self, name: str, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        self._nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def include(self, model: onnx.ModelProto) -> None:
        """Add the nodes and constants of another graph, whose inputs are values of this one.

        Raises:
            ExportError: it is written in other versions of ONNX's operators.
        """
        used = {(each.domain, each.version) for each in model.opset_import if each.domain != "ai.onnx.ml"}
        if used != {("", OPSET)}:
            raise ExportError(f"the graph uses the operators of {sorted(used)}, not of version {OPSET}.")
        self._nodes.extend(model.graph.node)
        self._constants.extend(model.graph.initializer)

    def by_channel(self, rows: str) -> str:
        """[batch, n, channels] -> [batch, channels, 1, n], the layout of a 4-D convolution."""
        return self.add(
            "by_channel", "Transpose", self.add("rows_4d", "Unsqueeze", rows, self.axis(1)), perm=[0, 3, 1, 2]
        )

    def by_step(self, name: str, value: str) -> str:
        """[batch, channels, 1, n] -> [batch, n, channels], the layout in which onnxruntime computes 8 bits."""
        transposed = self.add(f"{name}_4d", "Transpose", value, perm=[0, 2, 3, 1])
        return self.add(name, "Squeeze", transposed, self.axis(1))

    def convolution(self, name: str, value: str, weights: Any, bias: Any, **attributes: Any) -> str:
        """Add a convolution in float32, before relu.

        Args:
            name: of the node.
            value: its input, [batch, channels_in, 1, n].
            weights: [kernel, channels_in, channels_out].
            bias: [channels_out].
            attributes: of the node, such as `pads`.
        """
        kernel = self.constant(f"{name}_weights", weights.transpose(2, 1, 0)[:, :, None], np.float32)
        return self.add(name, "Conv", value, kernel, self.constant(f"{name}_bias", bias, np.float32), **attributes)

    def model(self, logits: str) -> onnx.ModelProto:
        """Build the whole graph, from its inputs to the sigmoid of the logits, float64[batch, 1]."""
        exact = self.add("probabilities_float64", "Sigmoid", logits)
        self.add(OUTPUT, "Squeeze", self.add("probabilities", "Cast", exact, to=TensorProto.FLOAT), self.axis(1))
        inputs = [
            helper.make_tensor_value_info(
                name, TensorProto.INT32, ["batch", "length" if name == INPUT else f"{name}_length"]
            )
            for name in self._inputs
        ]
        probability = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch"])
        graph = helper.make_graph(self._nodes, "inference_form", inputs, [probability], initializer=self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model
