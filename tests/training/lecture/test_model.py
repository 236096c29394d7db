"""The lecture's network: the table that `model.summary()` prints, and how it starts and learns."""

import keras
import numpy as np
import pytest

from tests.training.conftest import TINY, seeded
from training.lecture.model import build_model
from training.recipes import LECTURE


@pytest.fixture(scope="module")
def model() -> keras.Sequential:
    return build_model(LECTURE)


def test_layers_shapes_and_parameters_are_the_lectures(model: keras.Sequential) -> None:
    table = [(type(layer).__name__, layer.output.shape[1:], layer.count_params()) for layer in model.layers]
    assert table == [
        ("Embedding", (300, 100), 50_000),
        ("Conv1D", (296, 64), 32_064),
        ("Conv1D", (292, 64), 20_544),
        ("MaxPooling1D", (146, 64), 0),
        ("Conv1D", (142, 128), 41_088),
        ("Conv1D", (138, 128), 82_048),
        ("MaxPooling1D", (69, 128), 0),
        ("Conv1D", (65, 256), 164_096),
        ("Conv1D", (61, 256), 327_936),
        ("MaxPooling1D", (30, 256), 0),
        ("Flatten", (7_680,), 0),
        ("Dense", (1,), 7_681),
    ]
    assert model.count_params() == sum(weights.size for weights in model.get_weights()) == 725_457


def test_input_is_a_batch_of_300_token_ids(model: keras.Sequential) -> None:
    (token_ids,) = model.inputs
    assert (token_ids.name, token_ids.shape, token_ids.dtype) == ("token_ids", (None, 300), "int32")


def test_layers_have_names_that_say_what_they_are(model: keras.Sequential) -> None:
    assert [layer.name for layer in model.layers] == [
        "embedding",
        *("conv1_1", "conv1_2", "pool1"),
        *("conv2_1", "conv2_2", "pool2"),
        *("conv3_1", "conv3_2", "pool3"),
        *("flatten", "probability"),
    ]


def test_convolutions_are_unpadded_relu_of_kernel_5_from_he_normal(model: keras.Sequential) -> None:
    convolutions = [layer.get_config() for layer in model.layers if isinstance(layer, keras.layers.Conv1D)]
    assert len(convolutions) == 6
    for config in convolutions:
        assert (config["kernel_size"], config["strides"], config["padding"]) == ((5,), (1,), "valid")
        assert (config["activation"], config["use_bias"]) == ("relu", True)
        assert config["kernel_initializer"]["class_name"] == "HeNormal"
        assert config["bias_initializer"]["class_name"] == "Zeros"


def test_other_layers_start_as_keras_starts_them(model: keras.Sequential) -> None:
    embedding, probability = model.get_layer("embedding").get_config(), model.get_layer("probability").get_config()
    assert embedding["embeddings_initializer"]["class_name"] == "RandomUniform"
    assert embedding["mask_zero"] is False  # the network sees the padding, as the lecture's does
    assert (probability["activation"], probability["use_bias"]) == ("sigmoid", True)
    assert probability["kernel_initializer"]["class_name"] == "GlorotUniform"
    assert {layer.get_config()["pool_size"] for layer in model.layers if "pool" in layer.name} == {(2,)}


def test_it_learns_by_adam_on_binary_cross_entropy_and_reports_accuracy(model: keras.Sequential) -> None:
    compiled = model.get_compile_config()
    assert (compiled["loss"], compiled["metrics"]) == ("binary_crossentropy", ["accuracy"])
    assert type(model.optimizer) is keras.optimizers.Adam
    optimizer = model.optimizer.get_config()
    assert optimizer["learning_rate"] == pytest.approx(0.001)
    assert (optimizer["beta_1"], optimizer["beta_2"], optimizer["epsilon"]) == (0.9, 0.999, 1e-7)
    assert (optimizer["weight_decay"], optimizer["clipnorm"], optimizer["amsgrad"]) == (None, None, False)


def test_initial_weights_follow_the_seed() -> None:
    first, again, other = (seeded(TINY, seed).get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_recipe_decides_blocks_filters_and_sizes() -> None:
    shapes = [weights.shape for weights in build_model(TINY).get_weights()]
    # 20 ids -> 18 -> pooled 9 -> 7 -> pooled 3 positions of 6 filters
    assert shapes == [(50, 4), (3, 4, 4), (4,), (3, 4, 6), (6,), (18, 1), (1,)]
