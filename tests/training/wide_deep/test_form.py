"""The inference forms: Keras's answers, and no bit of them depends on what else is in the batch."""

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from tests.training.conftest import TINY_NETWORK
from tests.training.wide_deep.conftest import Whole, texts_of_every_length
from training.wide_deep.batches import padded
from training.wide_deep.form import (
    CENTRE,
    WideDeep,
    float_form,
    from_8_bits,
    in_16_bits,
    quantized_form,
    read_network,
    vectors_in_8_bits,
)

Answering = Callable[[NDArray[np.int32]], NDArray[np.float32]]


def random_texts(count: int, seed: int) -> NDArray[np.int32]:
    random = np.random.default_rng(seed)
    lengths = random.integers(0, TINY_NETWORK.maxlen, count)
    return padded([np.array([1, *random.integers(2, TINY_NETWORK.num_words, length)]) for length in lengths])


@pytest.fixture(scope="module")
def network(whole: Whole) -> WideDeep:
    return read_network(whole.model, TINY_NETWORK.maxlen)


@pytest.fixture(scope="module")
def graphs(network: WideDeep) -> dict[str, onnx.ModelProto]:
    texts = random_texts(200, seed=1)
    calibration = [texts[:100], texts[100:, :20]]
    return {"float32": float_form(network), "int8": quantized_form(network, calibration)}


@pytest.fixture(scope="module")
def forms(whole: Whole, graphs: dict[str, onnx.ModelProto]) -> dict[str, Answering]:
    """Each form as a function of padded token ids."""

    def answering(graph: onnx.ModelProto) -> Answering:
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])

        def answer(token_ids: NDArray[np.int32]) -> NDArray[np.float32]:
            feeds = {"token_ids": token_ids, "ngram_ids": whole.table.look_up(token_ids)}
            found: NDArray[np.float32] = session.run(["probability"], feeds)[0]
            return found

        return answer

    return {precision: answering(graph) for precision, graph in graphs.items()}


def logits(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    exact = probabilities.astype(np.float64)
    return np.log(exact / (1 - exact))


def alone(answer: Answering) -> NDArray[np.float32]:
    return np.array([answer(text[None].astype(np.int32))[0] for text in texts_of_every_length()])


def test_the_float_form_answers_as_keras_to_texts_of_every_length(whole: Whole, forms: dict[str, Answering]) -> None:
    expected = whole.answers(padded(texts_of_every_length()))
    np.testing.assert_allclose(alone(forms["float32"]), expected, rtol=0, atol=2e-6)
    assert np.ptp(expected) > 0.3


def test_the_8_bit_form_stays_close_on_texts_that_were_not_used_to_calibrate(forms: dict[str, Answering]) -> None:
    unseen = random_texts(300, seed=2)
    exact, in_8_bits = logits(forms["float32"](unseen)), logits(forms["int8"](unseen))
    assert np.sqrt(np.mean((in_8_bits - exact) ** 2)) < 0.05 * exact.std()
    assert (in_8_bits != exact).any()


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_no_bit_of_an_answer_depends_on_the_rest_of_the_batch_or_on_the_padding(
    forms: dict[str, Answering], precision: str
) -> None:
    answer, texts = forms[precision], texts_of_every_length()
    by_themselves = alone(answer)
    assert len(np.unique(by_themselves)) > 30
    for width in (*range(1, TINY_NETWORK.maxlen + 1), TINY_NETWORK.maxlen + 9):
        fitting = texts[:width]
        token_ids = np.zeros((len(fitting), width), np.int32)
        token_ids[:, : min(width, TINY_NETWORK.maxlen)] = padded(fitting)
        np.testing.assert_array_equal(answer(token_ids), by_themselves[: len(fitting)])
    for row in (0, 7, 38):  # far padding, in batches of one
        token_ids = np.pad(texts[row][None], ((0, 0), (0, 23))).astype(np.int32)
        np.testing.assert_array_equal(answer(token_ids), by_themselves[row])


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_text_that_is_too_long_is_no_business_of_the_graph(forms: dict[str, Answering], precision: str) -> None:
    with pytest.raises(Exception, match="out of data bounds"):
        forms[precision](np.full((1, TINY_NETWORK.maxlen + 1), 5, np.int32))


def test_the_8_bit_form_has_no_convolution_in_float(graphs: dict[str, onnx.ModelProto]) -> None:
    operators = [node.op_type for node in graphs["int8"].graph.node]
    assert operators.count("QLinearConv") == 3
    assert not {"Conv", "Relu"} & set(operators)
    assert list(graphs["int8"].graph.input) == list(graphs["float32"].graph.input)
    assert list(graphs["int8"].graph.output) == list(graphs["float32"].graph.output)


def test_numbers_are_read_as_the_network_has_them(whole: Whole, network: WideDeep) -> None:
    assert not network.exact_vectors[0].any()
    learnt = whole.model.get_layer("embedding").get_weights()[0]
    np.testing.assert_allclose(network.exact_vectors[1:], learnt[1:], rtol=1e-6, atol=0)
    assert network.vectors.dtype == np.uint8
    assert [len(weights) for weights, _ in network.convolutions] == [1, 2, 3]
    assert network.maxlen == TINY_NETWORK.maxlen
    table = whole.model.get_layer("ngram_sums").get_weights()[0]
    np.testing.assert_allclose(network.table * network.steps, table, rtol=1e-6, atol=0)
    assert network.table.dtype == np.int16


def test_a_filter_that_never_answers_is_quantized_without_dividing_by_it(whole: Whole, network: WideDeep) -> None:
    (weights, bias), *others = network.convolutions
    silent = WideDeep(**{**vars(network), "convolutions": ((weights * 0, bias * 0 - 1), *others)})
    graph = quantized_form(silent, [random_texts(50, seed=1)])
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    unseen = random_texts(50, seed=2)
    feeds = {"token_ids": unseen, "ngram_ids": whole.table.look_up(unseen)}
    exact = onnxruntime.InferenceSession(float_form(silent).SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, feeds)[0], exact.run(None, feeds)[0], rtol=0, atol=0.05)


# Tables in steps


def test_vectors_made_of_steps_give_them_again() -> None:
    vectors = np.random.default_rng(3).normal(0, [0.01, 1, 3], (500, 3)).astype(np.float32)
    vectors[:, 1] *= vectors[:, 1] > 0  # one column is never below 0
    table, steps = vectors_in_8_bits(vectors)
    exact = from_8_bits(table, steps)
    assert (np.abs(exact[1:] - vectors[1:]) <= steps / 2 + 1e-9).all()
    again, same = vectors_in_8_bits(exact.astype(np.float32))
    np.testing.assert_array_equal(again, table)
    np.testing.assert_allclose(same, steps, rtol=1e-6)


def test_a_column_of_nothing_stays_nothing() -> None:
    table, steps = vectors_in_8_bits(np.zeros((5, 2), np.float32))
    assert (table == CENTRE).all()
    assert (steps == 1).all()


def test_a_table_in_steps_gives_the_same_steps_again() -> None:
    table = np.random.default_rng(1).normal(0, [[0.01, 3, 40, 0]], (500, 4))
    table[:300, 3] = 1
    rounded, steps = in_16_bits(table)
    assert rounded.dtype == np.int16
    assert steps[3] == 1
    assert np.abs(rounded[:, :3]).max(axis=0).tolist() == [32_767] * 3
    assert (np.abs(rounded * steps - table) <= steps / 2 * (1 + 1e-9)).all()
    again, same = in_16_bits((rounded * steps).astype(np.float32))
    np.testing.assert_array_equal(again, rounded)
    np.testing.assert_allclose(same, steps, rtol=1e-6)


def test_a_column_of_nothing_stays_so() -> None:
    rounded, steps = in_16_bits(np.array([[0.0, 1.0, 0.0, 1.0], [0.0, -2.0, 0.0, 0.0]]))
    assert rounded.tolist() == [[0, 16384, 0, 1], [0, -32767, 0, 0]]
    assert np.isfinite(steps).all()
