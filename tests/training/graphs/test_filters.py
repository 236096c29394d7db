"""What the first convolutions compute with, as further outputs of the graph."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from keras import layers
from numpy.typing import NDArray

from training.graphs.convert import to_onnx
from training.graphs.describe import describe_layers
from training.graphs.filters import filter_outputs

TOKEN_IDS = np.array([[1, 2, 3, 0, 0, 0], [4, 4, 1, 2, 3, 0]], np.int32)


@pytest.fixture(scope="module", params=["random_normal", "zeros"])
def model(request: pytest.FixtureRequest) -> keras.Model:
    keras.utils.set_random_seed(7)
    token_ids = keras.Input((6,), dtype="int32", name="token_ids")
    vectors = layers.Embedding(5, 4, name="embedding")(token_ids)
    runs = layers.Conv1D(3, 2, activation="relu", bias_initializer=request.param, name="runs")(vectors)
    return keras.Model(token_ids, layers.Dense(1, "sigmoid", name="probability")(layers.Flatten(name="flatten")(runs)))


def outputs(graph: onnx.ModelProto, *names: str) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(output) for output in session.run(list(names) or None, {"token_ids": TOKEN_IDS})]


def test_the_outputs_are_the_layers_weights_and_its_input(model: keras.Model) -> None:
    names = filter_outputs("runs")
    graph = to_onnx(model, "probability")
    kernel, bias, vectors = outputs(graph, names.kernel, names.bias, names.vectors)
    weights, biases = model.get_layer("runs").get_weights()
    np.testing.assert_array_equal(kernel[:, :, 0, :].transpose(2, 1, 0), weights)
    np.testing.assert_array_equal(bias.ravel(), biases)
    np.testing.assert_array_equal(vectors, model.get_layer("embedding")(TOKEN_IDS))


def test_the_graph_answers_as_keras_does(model: keras.Model) -> None:
    [probability] = outputs(to_onnx(model, "probability"), "probability")
    np.testing.assert_allclose(probability, model.predict(TOKEN_IDS, verbose=0), atol=1e-6)


def test_a_layer_is_described_with_them_if_it_has_relu_and_a_bias(model: keras.Model) -> None:
    described = {layer.name: layer.filters for layer in describe_layers(model, 6)}
    assert described == {"embedding": None, "runs": filter_outputs("runs"), "flatten": None, "probability": None}
    linear = keras.Model(model.inputs[0], layers.Conv1D(3, 2, name="linear")(model.get_layer("embedding").output))
    assert describe_layers(linear, 6)[-1].filters is None
