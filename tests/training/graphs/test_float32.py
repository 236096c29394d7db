"""The inference form: the same answers as Keras, for every length and geometry, or no form at all."""

import logging
import math
import os
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from tests.training.conftest import TINY, seeded
from training.data.imdb import load_data
from training.graphs import float32 as module
from training.graphs.float32 import float32_form
from training.lecture.model import padded
from training.lecture.network import extract_network
from training.recipes import LECTURE, LectureRecipe

MAX_DIFFERENCE = 1e-5
GEOMETRIES = [
    TINY,
    replace(TINY, maxlen=60, block_filters=(4, 6, 8), convolutions_per_block=2),  # the lecture's, in small
    replace(TINY, maxlen=61, block_filters=(4, 6, 8), convolutions_per_block=2, kernel_size=2),
    replace(TINY, maxlen=50, block_filters=(5, 3), pool_size=3, kernel_size=4),
    replace(TINY, maxlen=47, block_filters=(5, 3), pool_size=3, convolutions_per_block=3),  # pools leave a remainder
    replace(TINY, maxlen=12, block_filters=(6,), kernel_size=1),
    replace(TINY, maxlen=40, block_filters=(4, 6, 8), kernel_size=1, pool_size=2),
    replace(TINY, maxlen=9, block_filters=(4, 4), pool_size=1, convolutions_per_block=2),  # no pooling
]


def named(recipe: LectureRecipe) -> str:
    filters = "x".join(map(str, recipe.block_filters))
    return f"{recipe.maxlen}-{filters}-{recipe.convolutions_per_block}k{recipe.kernel_size}p{recipe.pool_size}"


def trained_like(recipe: LectureRecipe) -> keras.Sequential:
    """Random weights and biases, as after training: padding leaves no layer at zero, and answers differ."""
    model = seeded(recipe, seed=11)
    random = np.random.default_rng(3)
    model.set_weights([values + random.normal(0, 0.2, values.shape) for values in model.get_weights()])
    texts, _ = texts_of_every_length(recipe)
    features = keras.Sequential(model.layers[:-1]).predict(texts, verbose=0)
    weights, bias = model.layers[-1].get_weights()
    logits = features @ weights + bias
    model.layers[-1].set_weights([weights / logits.std(), (bias - logits.mean()) / logits.std()])
    return model


def network_of(model: keras.Model) -> module.Network:
    network = extract_network(model)
    assert network is not None
    return network


def session_of(model: keras.Model) -> onnxruntime.InferenceSession:
    form = float32_form(network_of(model))
    return onnxruntime.InferenceSession(form.SerializeToString(), providers=["CPUExecutionProvider"])


def answers(session: onnxruntime.InferenceSession, token_ids: NDArray[np.int32]) -> NDArray[np.float32]:
    output: NDArray[np.float32] = session.run(["probability"], {"token_ids": token_ids})[0]
    return output


def texts_of_every_length(recipe: LectureRecipe) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Post-padded random texts of 0, 1, … maxlen ids, int32[maxlen + 1, maxlen], and their lengths."""
    lengths = np.arange(recipe.maxlen + 1)
    ids = np.random.default_rng(5).integers(1, recipe.num_words, (len(lengths), recipe.maxlen), dtype=np.int32)
    return np.where(np.arange(recipe.maxlen) < lengths[:, None], ids, 0).astype(np.int32), lengths


@pytest.mark.parametrize("recipe", GEOMETRIES, ids=named)
def test_every_length_gets_the_answer_of_keras(recipe: LectureRecipe) -> None:
    model = trained_like(recipe)
    session = session_of(model)
    texts, lengths = texts_of_every_length(recipe)
    expected = model.predict(texts, verbose=0)[:, 0]
    assert np.ptp(expected) > 0.01  # a constant answer would prove nothing
    alone = [answers(session, text[None, : max(1, n)])[0] for text, n in zip(texts, lengths, strict=True)]
    np.testing.assert_allclose(alone, expected, rtol=0, atol=MAX_DIFFERENCE)


@pytest.mark.parametrize("recipe", GEOMETRIES, ids=named)
def test_no_bit_of_an_answer_depends_on_the_rest_of_the_batch_or_on_the_width(recipe: LectureRecipe) -> None:
    session = session_of(trained_like(recipe))
    texts, lengths = texts_of_every_length(recipe)
    texts, lengths = texts[1:], lengths[1:]
    alone = np.array([answers(session, text[None, :n])[0] for text, n in zip(texts, lengths, strict=True)])
    for width in range(1, recipe.maxlen + 1):
        fitting = lengths <= width
        np.testing.assert_array_equal(answers(session, texts[fitting, :width]), alone[fitting])


@pytest.mark.parametrize("largest", [1e-30, 0.7, 1.0, 3e9])
def test_multiples_of_what_is_on_a_grid_add_up_to_one_sum_in_any_order(largest: float) -> None:
    random = np.random.default_rng(4)
    values = random.normal(size=5000)
    values *= largest / (255 * np.abs(values).sum())
    on_grid = module.on_grid(values, largest)
    np.testing.assert_allclose(on_grid, values, rtol=0, atol=largest * 2**-52)
    terms = on_grid * random.integers(0, 256, values.shape)
    sums = {float(np.cumsum(random.permutation(terms))[-1]) for _ in range(20)}
    assert sums == {math.fsum(terms)}


def test_a_text_of_unknown_words_only_gets_the_answer_of_keras() -> None:
    recipe = GEOMETRIES[1]
    model = trained_like(recipe)
    session = session_of(model)
    lengths = range(1, recipe.maxlen + 1)
    texts = np.array([[1] + [2] * (length - 1) + [0] * (recipe.maxlen - length) for length in lengths], np.int32)
    alone = [answers(session, text[None, :length])[0] for text, length in zip(texts, lengths, strict=True)]
    np.testing.assert_allclose(alone, model.predict(texts, verbose=0)[:, 0], rtol=0, atol=MAX_DIFFERENCE)


def test_padding_inside_a_text_is_an_id_like_any_other() -> None:
    recipe = GEOMETRIES[1]
    model = trained_like(recipe)
    text = np.zeros((1, recipe.maxlen), np.int32)
    text[0, [3, 17]] = 7
    np.testing.assert_allclose(
        answers(session_of(model), text[:, :18]), model.predict(text, verbose=0)[:, 0], rtol=0, atol=MAX_DIFFERENCE
    )


def test_input_is_int32_of_any_length_and_output_one_float_a_text() -> None:
    session = session_of(trained_like(TINY))
    (token_ids,), (probability,) = session.get_inputs(), session.get_outputs()
    assert (token_ids.name, token_ids.type, token_ids.shape) == ("token_ids", "tensor(int32)", ["batch", "length"])
    assert (probability.name, probability.type, probability.shape) == ("probability", "tensor(float)", ["batch"])
    assert answers(session, np.ones((5, 4), np.int32)).shape == (5,)


def test_the_lectures_network_is_computed_no_further_than_its_text_reaches() -> None:
    network = network_of(seeded(LECTURE, seed=1))
    assert module.reach(network, 300) == ([0, 0, 0], 30)
    assert module.reach(network, 1) == ([11, 10, 8], 1)
    # 20 ids: 10 positions after the first pool, 5 after the second, 3 after the third; before the last, one to copy
    assert module.reach(network, 20) == ([10, 9, 8], 3)
    assert [module.reach(network, n)[1] for n in (8, 9, 232, 233, 299)] == [1, 2, 29, 30, 30]


def test_dropout_and_a_missing_bias_or_last_pool_change_nothing() -> None:
    layers = keras.layers
    keras.utils.set_random_seed(2)
    model = keras.Sequential([
        keras.Input((30,), dtype="int32"),
        layers.Embedding(50, 4),
        layers.SpatialDropout1D(0.5),
        layers.Conv1D(4, 3, activation="relu", use_bias=False),
        layers.MaxPooling1D(2),
        layers.Dropout(0.5),
        layers.Conv1D(5, 4, activation="relu", bias_initializer="ones"),
        layers.Flatten(),
        layers.Dense(1, activation="sigmoid", use_bias=False),
    ])  # fmt: skip
    texts, lengths = texts_of_every_length(replace(TINY, maxlen=30))
    expected = model.predict(texts, verbose=0)[:, 0]
    session = session_of(model)
    alone = [answers(session, text[None, : max(1, n)])[0] for text, n in zip(texts, lengths, strict=True)]
    np.testing.assert_allclose(alone, expected, rtol=0, atol=MAX_DIFFERENCE)


def test_a_vocabulary_too_large_for_a_table_keeps_its_embedding(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained_like(GEOMETRIES[1])
    texts, _ = texts_of_every_length(GEOMETRIES[1])
    table = float32_form(network_of(model))
    monkeypatch.setattr(module, "MAX_TABLE_VALUES", 100)
    form = float32_form(network_of(model))
    assert [sum(node.op_type == "Conv" for node in graph.graph.node) for graph in (table, form)] == [5, 6]
    session = onnxruntime.InferenceSession(form.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = model.predict(texts, verbose=0)[:, 0]
    np.testing.assert_allclose(answers(session, texts), expected, rtol=0, atol=MAX_DIFFERENCE)


LAYERS = keras.layers
UNTREATABLE = {
    "zero-padded convolution": [LAYERS.Conv1D(4, 3, activation="relu", padding="same")],
    "causal convolution": [LAYERS.Conv1D(4, 3, activation="relu", padding="causal")],
    "other activation": [LAYERS.Conv1D(4, 3, activation="tanh")],
    "strided convolution": [LAYERS.Conv1D(4, 3, activation="relu", strides=2)],
    "dilated convolution": [LAYERS.Conv1D(4, 3, activation="relu", dilation_rate=2)],
    "grouped convolution": [LAYERS.Conv1D(4, 3, activation="relu", groups=2)],
    "overlapping pool": [LAYERS.Conv1D(4, 3, activation="relu"), LAYERS.MaxPooling1D(3, strides=1)],
    "zero-padded pool": [LAYERS.Conv1D(4, 3, activation="relu"), LAYERS.MaxPooling1D(2, padding="same")],
    "average pool": [LAYERS.Conv1D(4, 3, activation="relu"), LAYERS.AveragePooling1D(2)],
    "pool first": [LAYERS.MaxPooling1D(2), LAYERS.Conv1D(4, 3, activation="relu")],
    "another layer": [LAYERS.Conv1D(4, 3, activation="relu"), LAYERS.BatchNormalization()],
    "no convolution": [],
}


@pytest.mark.parametrize("kind", UNTREATABLE)
def test_another_kind_of_network_has_no_form_and_one_line_in_the_log(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    ends = [LAYERS.Flatten(), LAYERS.Dense(1, activation="sigmoid")]
    model = keras.Sequential([keras.Input((20,), dtype="int32"), LAYERS.Embedding(9, 4), *UNTREATABLE[kind], *ends])
    with caplog.at_level(logging.WARNING):
        assert extract_network(model) is None
    (record,) = caplog.records
    assert "plain graph" in record.getMessage()
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize("last", [LAYERS.Dense(2, activation="sigmoid"), LAYERS.Dense(1), None])
def test_a_network_with_another_end_has_no_form(last: keras.layers.Layer | None) -> None:
    convolution = LAYERS.Conv1D(4, 3, activation="relu")
    end = [LAYERS.Flatten(), last] if last else [LAYERS.GlobalMaxPooling1D(), LAYERS.Dense(1, activation="sigmoid")]
    model = keras.Sequential([keras.Input((20,), dtype="int32"), LAYERS.Embedding(9, 4), convolution, *end])
    assert extract_network(model) is None


@pytest.mark.skipif("IMDB_DATA_DIR" not in os.environ, reason="needs the IMDB data set in IMDB_DATA_DIR")
def test_the_committed_model_answers_real_reviews_as_its_plain_graph_does() -> None:
    bundle = Path(__file__).parents[3] / "models/imdb-conv1d/1"
    _, (reviews, _) = load_data(Path(os.environ["IMDB_DATA_DIR"]), num_words=LECTURE.num_words)
    token_ids = padded(reviews[:200], LECTURE)
    plain, form = (
        onnxruntime.InferenceSession(bundle / name, providers=["CPUExecutionProvider"])
        for name in ("reference.onnx", "float32.onnx")
    )
    expected = plain.run(None, {"token_ids": token_ids})[0][:, 0]
    np.testing.assert_allclose(answers(form, token_ids), expected, rtol=0, atol=MAX_DIFFERENCE)
    alone = [answers(form, row[None, : np.flatnonzero(row)[-1] + 1])[0] for row in token_ids]
    np.testing.assert_allclose(alone, expected, rtol=0, atol=MAX_DIFFERENCE)


def test_the_graph_is_valid_onnx() -> None:
    form = float32_form(network_of(trained_like(TINY)))
    onnx.checker.check_model(form, full_check=True)
