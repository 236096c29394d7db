"""The 8-bit form: close to the exact one, smaller, and as indifferent to padding."""

import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.training.conftest import TINY
from tests.training.graphs.test_float32 import answers, named, network_of, texts_of_every_length, trained_like
from training.data.imdb import load_data
from training.graphs import calibration
from training.graphs import float32 as form_module
from training.graphs.calibration import best_quantized_form
from training.graphs.float32 import Floats, Network, float32_form
from training.graphs.int8 import (
    Layer,
    balance_channels,
    factored,
    factored_network,
    leave_out_idle_channels,
    quantized_form,
)
from training.lecture.model import padded
from training.recipes import LECTURE, LectureRecipe

SMALL = replace(TINY, maxlen=60, block_filters=(16, 24, 32), convolutions_per_block=2, embedding_dim=12)
GEOMETRIES = [
    TINY,
    SMALL,
    replace(SMALL, kernel_size=2, pool_size=3, block_filters=(9, 40)),
    replace(SMALL, kernel_size=1, block_filters=(16,), convolutions_per_block=3),
]


def network_like(recipe: LectureRecipe) -> Network:
    return network_of(trained_like(recipe))


def session_of(form: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(form.SerializeToString(), providers=["CPUExecutionProvider"])


def texts(recipe: LectureRecipe, number: int, seed: int) -> NDArray[np.int32]:
    """Post-padded random texts of random lengths, int32[number, maxlen]."""
    random = np.random.default_rng(seed)
    ids = random.integers(1, recipe.num_words, (number, recipe.maxlen))
    lengths = random.integers(1, recipe.maxlen + 1, (number, 1))
    return np.where(np.arange(recipe.maxlen) < lengths, ids, 0).astype(np.int32)


def logits(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    exact = probabilities.astype(np.float64)
    return np.log(exact / (1 - exact))


def constants(form: onnx.ModelProto) -> dict[str, NDArray[np.generic]]:
    return {constant.name: numpy_helper.to_array(constant) for constant in form.graph.initializer}


@pytest.mark.parametrize("recipe", GEOMETRIES, ids=named)
def test_answers_stay_close_on_texts_that_were_not_used_to_calibrate(recipe: LectureRecipe) -> None:
    network = network_like(recipe)
    form, small = float32_form(network), quantized_form(network, texts(recipe, 200, seed=1))
    unseen = texts(recipe, 200, seed=2)
    exact, in_8_bits = logits(answers(session_of(form), unseen)), logits(answers(session_of(small), unseen))
    assert np.sqrt(np.mean((in_8_bits - exact) ** 2)) < 0.1 * exact.std()
    assert np.corrcoef(exact, in_8_bits)[0, 1] > 0.995


@pytest.mark.parametrize("recipe", GEOMETRIES, ids=named)
def test_no_bit_of_an_answer_depends_on_the_rest_of_the_batch_or_on_the_width(recipe: LectureRecipe) -> None:
    session = session_of(quantized_form(network_like(recipe), texts(recipe, 100, seed=1)))
    whole, lengths = texts_of_every_length(recipe)
    alone = np.array([answers(session, text[None, : max(1, n)])[0] for text, n in zip(whole, lengths, strict=True)])
    for width in range(1, recipe.maxlen + 1):
        fitting = lengths <= width
        np.testing.assert_array_equal(answers(session, whole[fitting, :width]), alone[fitting])


@pytest.mark.parametrize("recipe", GEOMETRIES, ids=named)
def test_the_dense_layers_sums_are_exact_in_any_order(recipe: LectureRecipe) -> None:
    small = quantized_form(network_like(recipe), texts(recipe, 100, seed=1))
    (features,) = (node.input[0] for node in small.graph.node if node.output[0] == "features_float64")
    small.graph.output.append(helper.make_tensor_value_info(features, TensorProto.UINT8, None))
    small.graph.output.append(helper.make_tensor_value_info("logits", TensorProto.DOUBLE, None))
    token_ids = texts(recipe, 20, seed=2)
    steps, logits = session_of(small).run([features, "logits"], {"token_ids": token_ids})
    weights, rest = constants(small)["dense_weights"][:, 0], constants(small)["rest_by_length"][recipe.maxlen, 0]
    terms = np.c_[steps * weights, np.full(len(steps), rest)]
    assert logits[:, 0].tolist() == [math.fsum(row) for row in terms]


def test_input_and_output_are_those_of_the_exact_form() -> None:
    network = network_like(SMALL)
    form, small = float32_form(network), quantized_form(network, texts(SMALL, 20, seed=1))
    assert list(small.graph.input) == list(form.graph.input)
    assert list(small.graph.output) == list(form.graph.output)


def test_all_convolutions_are_8_bits_and_no_relu_is_left() -> None:
    small = quantized_form(network_like(SMALL), texts(SMALL, 20, seed=1))
    operators = [node.op_type for node in small.graph.node]
    assert operators.count("QLinearConv") == 6
    assert not {"Conv", "Relu", "QuantizeLinear"} & set(operators)
    weights = {name: values for name, values in constants(small).items() if name.startswith("conv")}
    assert {values.dtype.name for name, values in weights.items() if name.endswith("_weights")} == {"int8"}
    assert constants(small)["embedding"].dtype == np.uint8


def test_no_two_neighbouring_products_can_saturate_16_bits() -> None:
    small = quantized_form(network_like(SMALL), texts(SMALL, 20, seed=1))
    for name, values in constants(small).items():
        if name.startswith("conv") and name.endswith("_weights"):
            in_order = values.astype(np.int64)[:, :, 0].transpose(2, 1, 0).reshape(-1, len(values))
            assert (np.abs(in_order[:-1]) + np.abs(in_order[1:])).max() * 255 <= np.iinfo(np.int16).max
            assert np.abs(in_order).max() > 60  # and yet the 8 bits are used


def test_several_arrays_calibrate_as_one_does() -> None:
    network = network_like(SMALL)
    together = texts(SMALL, 40, seed=1)
    short = together[(together[:, 30:] == 0).all(axis=1)]
    long = together[(together[:, 30:] != 0).any(axis=1)]
    one, several = quantized_form(network, together), quantized_form(network, [short[:, :30], long])
    unseen = texts(SMALL, 50, seed=2)
    np.testing.assert_allclose(
        answers(session_of(several), unseen), answers(session_of(one), unseen), rtol=0, atol=1e-5
    )


def test_a_network_that_keeps_its_embedding_is_quantized_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_module, "MAX_TABLE_VALUES", 1)
    network = network_like(SMALL)
    form = float32_form(network)
    assert "embedding" in constants(form)
    small = quantized_form(network, texts(SMALL, 100, seed=1))
    unseen = texts(SMALL, 100, seed=2)
    exact, in_8_bits = logits(answers(session_of(form), unseen)), logits(answers(session_of(small), unseen))
    assert np.corrcoef(exact, in_8_bits)[0, 1] > 0.995


def test_a_factored_network_gives_the_same_first_convolution() -> None:
    network = network_of(trained_like(SMALL))
    other = factored_network(network)
    assert (other.maxlen, len(other.embedding)) == (network.maxlen, len(network.embedding))
    assert other.blocks[1:] == network.blocks[1:]
    (first, bias), (original_first, original_bias) = (net.blocks[0].convolutions[0] for net in (other, network))
    expected = np.stack([network.embedding @ tap for tap in original_first]).sum(axis=0) + original_bias
    np.testing.assert_allclose(
        np.stack([other.embedding @ tap for tap in first]).sum(axis=0) + bias, expected, atol=1e-5
    )


def test_tables_are_factored_without_loss_into_as_many_columns_as_they_have_rank() -> None:
    random = np.random.default_rng(0)
    tables = (random.normal(size=(40, 7)) @ random.normal(size=(3, 7, 5)) + random.normal(size=(3, 1, 5))).astype("f4")
    vectors, weights, bias = factored(tables)
    assert vectors.shape == (40, 7)
    ids = random.integers(0, 40, 3)
    looked_up = sum(tables[tap, word] for tap, word in enumerate(ids))
    convolved = sum(vectors[word] @ weights[tap] for tap, word in enumerate(ids)) + bias
    np.testing.assert_allclose(convolved, looked_up, atol=1e-4)


def two_layers(peaks: list[float]) -> tuple[list[Layer], NDArray[np.float64]]:
    random = np.random.default_rng(1)
    width = len(peaks)
    first = Layer(random.normal(size=(3, 4, width)), random.normal(size=width), np.array(peaks))
    second = Layer(random.normal(size=(3, width, 5)), random.normal(size=5), np.ones(5))
    return [first, second], random.normal(size=(2, 5))


def test_idle_channels_go_from_a_layer_and_from_what_reads_it() -> None:
    idle = [4, 9, 17]
    layers, dense = two_layers([0.001 if channel in idle else 1.0 + channel for channel in range(19)])
    expected = layers[1].weights[:, [channel for channel in range(19) if channel not in idle]]
    leave_out_idle_channels(layers, dense)
    assert layers[0].weights.shape == (3, 4, 16)
    np.testing.assert_array_equal(layers[1].weights, expected)


def test_channels_are_kept_in_multiples_the_strongest_first() -> None:
    layers, dense = two_layers([10.0, *[0.001] * 15, *[0.002] * 14])
    leave_out_idle_channels(layers, dense)
    assert layers[0].peaks.tolist() == [10.0, 0.001, *[0.002] * 14]


def test_balancing_makes_peaks_alike_and_leaves_the_function_as_it_was() -> None:
    layers, _ = two_layers([100.0, 9.0, 4.0, 25.0])
    vectors = np.random.default_rng(2).normal(size=(6, 4)) * [1, 10, 100, 1000]

    def computed(vectors: Floats) -> Floats:
        hidden = np.maximum(0, vectors @ layers[0].weights.sum(axis=0) + layers[0].bias)
        output: Floats = hidden @ layers[1].weights.sum(axis=0) + layers[1].bias
        return output

    expected = computed(vectors)
    balanced = balance_channels(vectors, layers)
    np.testing.assert_allclose(computed(balanced), expected)
    np.testing.assert_allclose(layers[0].peaks, [100.0, 30.0, 20.0, 50.0])


def test_a_network_that_is_always_at_zero_is_quantized_without_dividing_by_it() -> None:
    model = trained_like(SMALL)
    for layer in model.layers[1:3]:
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel * 0, bias * 0 - 1])
    network = network_of(model)
    unseen = texts(SMALL, 20, seed=2)
    exact = answers(session_of(float32_form(network)), unseen)
    in_8_bits = answers(session_of(quantized_form(network, unseen)), unseen)
    np.testing.assert_allclose(in_8_bits, exact, rtol=0, atol=0.05)


def test_of_several_sets_of_calibration_texts_the_closest_form_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_like(SMALL)
    monkeypatch.setattr(calibration, "DRAW_SIZE", 40)
    monkeypatch.setattr(calibration, "JUDGES", 100)
    training = texts(SMALL, 220, seed=4)
    training[140:180] = 0  # a set that shows nothing gives a useless form
    best = best_quantized_form(network, training)
    judged = answers(session_of(float32_form(network)), training[:100])
    errors = [
        np.abs(answers(session_of(candidate), training[:100]) - judged).mean()
        for candidate in (best, quantized_form(network, training[140:180]))
    ]
    assert errors[0] < errors[1] / 5
    few = best_quantized_form(network, training[:9])  # too few for one whole set
    assert np.isfinite(answers(session_of(few), training)).all()


@pytest.mark.skipif("IMDB_DATA_DIR" not in os.environ, reason="needs the IMDB data set in IMDB_DATA_DIR")
def test_the_committed_model_keeps_its_labels_in_8_bits() -> None:
    names = [Path(__file__).parents[3] / "models/imdb-conv1d/1" / name for name in ("float32.onnx", "int8.onnx")]
    if not names[1].is_file():
        pytest.skip("the bundle has no 8-bit form")
    _, (reviews, _) = load_data(Path(os.environ["IMDB_DATA_DIR"]), num_words=LECTURE.num_words)
    token_ids = padded(reviews[:2000], LECTURE)
    exact, in_8_bits = (
        answers(onnxruntime.InferenceSession(name, providers=["CPUExecutionProvider"]), token_ids) >= 0.5
        for name in names
    )
    assert np.mean(exact == in_8_bits) >= 0.995
