"""The logit beside the probability, which stays what it was."""

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.service.conftest import score_graph
from training.errors import ExportError
from training.graphs.logit_output import add_logit

TOKEN_IDS = np.array([[1, 1, 2, 0, 0, 0, 0, 0], [2, 2, 2, 2, 0, 0, 0, 0]], np.int32)


def outputs(model: onnx.ModelProto) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(output) for output in session.run(None, {"token_ids": TOKEN_IDS})]


def test_the_logit_comes_second_one_for_each_text_and_the_probability_stays() -> None:
    model = score_graph([0.0, 2.5, 20.0])
    before = model.SerializeToString()
    [probability], [same, logit] = outputs(model), outputs(add_logit(model, "probability"))
    assert np.array_equal(probability, same)
    assert logit.tolist() == [25.0, 80.0]  # the second one's probability is 1
    assert model.SerializeToString() == before


def test_a_sigmoid_whose_output_is_reshaped_is_found() -> None:
    model = score_graph([0.0, 2.5, 20.0])
    sigmoid = model.graph.node[-1]
    sigmoid.output[0] = "column"
    model.graph.initializer.append(numpy_helper.from_array(np.array([1]), "one"))
    model.graph.node.append(helper.make_node("Squeeze", ["column", "one"], ["probability"]))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["batch"]))
    assert outputs(add_logit(model, "probability"))[1].tolist() == [25.0, 80.0]


def test_a_logit_in_float64_is_given_in_float32() -> None:
    model = score_graph([0.0, 2.5, 20.0])
    del model.graph.node[-1]
    model.graph.node.extend(
        [
            helper.make_node("Cast", ["logit"], ["wide"], to=TensorProto.DOUBLE),
            helper.make_node("Sigmoid", ["wide"], ["wide_probability"]),
            helper.make_node("Cast", ["wide_probability"], ["probability"], to=TensorProto.FLOAT),
        ]
    )
    logit = outputs(add_logit(model, "probability"))[1]
    assert (str(logit.dtype), logit.tolist()) == ("float32", [25.0, 80.0])


def test_a_graph_without_a_sigmoid_at_its_end_is_refused() -> None:
    model = score_graph([0.0, 1.0, 2.0])
    model.graph.node[-1].op_type = "HardSigmoid"
    with pytest.raises(ExportError, match="comes from HardSigmoid"):
        add_logit(model, "probability")
    with pytest.raises(ExportError, match="comes from nowhere"):
        add_logit(model, "other")
