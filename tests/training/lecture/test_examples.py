"""The lecture's worked examples, in Keras and, exported the way a bundle's graph is, in onnxruntime."""

from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers
from numpy.typing import ArrayLike, NDArray

from training.graphs.convert import to_onnx

Floats = NDArray[np.float32]


def answers(model: keras.Model, batch: ArrayLike) -> tuple[Floats, Floats]:
    """What Keras and onnxruntime make of a batch."""
    batch = np.asarray(batch, np.float32)
    graph = to_onnx(model, "output").SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (exported,) = session.run(["output"], {session.get_inputs()[0].name: batch})
    return model.predict(batch, verbose=0), exported


def assert_layer(layer: keras.Layer, example: ArrayLike, expected: ArrayLike, kernel: Floats | None = None) -> None:
    """Both runtimes give exactly `expected` for one example, in which the first and last axis are 1 or channels."""
    batch = np.asarray(example, np.float32)[np.newaxis]
    model = keras.Sequential([keras.Input(batch.shape[1:]), layer])
    if kernel is not None:
        layer.set_weights([kernel])
    for answer in answers(model, batch):
        np.testing.assert_array_equal(answer[0, ..., 0], expected)


def one_channel(rows: Any) -> Floats:
    return np.asarray(rows, np.float32)[..., np.newaxis]


DIAGONAL = one_channel([[[1], [0]], [[0], [1]]])  # [2, 2, 1 channel in, 1 filter]


def test_conv2d_sums_the_diagonal_of_each_2_by_2_window() -> None:
    assert_layer(
        layers.Conv2D(1, 2, use_bias=False),
        one_channel([[9, 0, 9], [0, 9, 0], [9, 0, 9]]),
        [[18, 0], [0, 18]],
        DIAGONAL,
    )


def test_conv2d_with_stride_2_takes_every_second_window() -> None:
    assert_layer(
        layers.Conv2D(1, 2, strides=(2, 2), use_bias=False),
        np.arange(1, 17).reshape(4, 4, 1),
        [[7, 11], [23, 27]],
        DIAGONAL,
    )


def test_conv2d_over_three_channels_adds_them_up() -> None:
    # The lecture reshapes, so each row of three numbers is one pixel and its channels, not a row of one channel.
    rows = [
        *([7, 1, 1], [1, 0, 2], [3, 2, 1]),
        *([1, 1, 4], [8, 8, 3], [1, 1, 7]),
        *([2, 3, 2], [7, 7, 1], [9, 1, 1]),
    ]
    kernel = np.array([3, 0, 0, 0, 4, 0, 0, 0, 4, 2, 7, 5], np.float32).reshape(2, 2, 3, 1)
    assert_layer(layers.Conv2D(1, 2, use_bias=False), np.reshape(rows, (3, 3, 3)), [[124, 67], [111, 62]], kernel)


def test_conv1d_slides_over_a_sequence() -> None:
    assert_layer(
        layers.Conv1D(1, 4, use_bias=False),
        one_channel([9, 0, 9, 0, 9, 0, 9, 0, 9]),
        [9, 9, 9, 9, 9, 9],
        one_channel([[1], [0], [0], [1]]),
    )


def test_max_pool_keeps_the_largest_of_each_2_by_2_window() -> None:
    assert_layer(
        layers.MaxPooling2D(2),
        one_channel([[1, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [2, 6, 1, 2]]),
        [[9, 2], [6, 3]],
    )


def test_dense_example_as_written_leaves_its_first_block_out() -> None:
    """The lecture's second block is called on the input again, not on the first block's pool.

    So Keras builds a model of the second block alone: 16 -> 15 -> 14 -> pooled 7, and 49 numbers reach the Dense
    layers. Chained as the text around it says, 7 -> 6 -> 5 -> pooled 2 would leave 4.
    """
    inputs = keras.Input((16, 16, 1))
    first = layers.Conv2D(1, 2, use_bias=False)(inputs)
    first = layers.Conv2D(1, 2, use_bias=False)(first)
    layers.MaxPool2D()(first)
    second = layers.Conv2D(1, 2, use_bias=False)(inputs)  # as the lecture has it
    second = layers.Conv2D(1, 2, use_bias=False)(second)
    second = layers.MaxPool2D()(second)
    outputs = layers.Flatten()(second)
    for units in (128, 128, 1):
        outputs = layers.Dense(units)(outputs)
    model = keras.Model(inputs, outputs)

    assert [(type(layer).__name__, layer.output.shape[1:]) for layer in model.layers] == [
        ("InputLayer", (16, 16, 1)),
        ("Conv2D", (15, 15, 1)),
        ("Conv2D", (14, 14, 1)),
        ("MaxPooling2D", (7, 7, 1)),
        ("Flatten", (49,)),
        ("Dense", (128,)),
        ("Dense", (128,)),
        ("Dense", (1,)),
    ]
    assert [weights.shape for weights in model.get_weights()] == [
        *((2, 2, 1, 1), (2, 2, 1, 1)),
        *((49, 128), (128,), (128, 128), (128,), (128, 1), (1,)),
    ]
    batch = np.random.default_rng(1).normal(size=(5, 16, 16, 1))
    in_keras, exported = answers(model, batch)
    assert in_keras.shape == (5, 1)
    np.testing.assert_allclose(exported, in_keras, rtol=1e-4, atol=1e-6)


TOY_INDEX = {"!": 1, "world": 2, "hello": 3, "apple": 4}


@pytest.mark.parametrize(
    ("sentence", "padded"),
    [
        ("hello world !", [3, 2, 1, 0, 0]),
        ("apple", [4, 0, 0, 0, 0]),
        ("", [0, 0, 0, 0, 0]),
        ("hello hello world apple !", [3, 3, 2, 4, 1]),
        ("apple apple hello world hello world !", [3, 2, 3, 2, 1]),  # truncating is 'pre': the first ids go
    ],
)
def test_sentences_are_padded_behind_and_cut_in_front(sentence: str, padded: list[int]) -> None:
    token_ids = [TOY_INDEX[word] for word in sentence.split()]
    assert keras.utils.pad_sequences([token_ids], maxlen=5, padding="post").tolist() == [padded]
