"""The layers by hand, and a network that is saved and loaded."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.conftest import TINY_NETWORK
from tests.training.wide_deep.conftest import Whole, texts_of_every_length
from training.graphs.describe import describe_layers, first_convolutions
from training.wide_deep.batches import padded
from training.wide_deep.network import Joined, NgramSums, SumByRoot


def test_a_sum_by_root_is_over_the_texts_own_steps() -> None:
    activations = np.array([[[1, 10], [2, 20], [4, 40], [8, 80]]], np.float32)
    is_id = np.array([[[1], [1], [0]]], np.float32)
    found = np.asarray(SumByRoot()([activations, is_id]))
    np.testing.assert_allclose(found, [[3 / 6**0.5, 30 / 6**0.5]], rtol=1e-6)


def test_ngrams_are_added_up_in_float64() -> None:
    sums = NgramSums(3)
    sums.set_weights([np.array([[0, 0, 0, 0], [1e8, 2, 3, 1], [1e-3, 0, 0, 0]], np.float32)])
    found = np.asarray(sums(np.array([[1, 1, 2, 0]])))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [[2e8 + 1e-3, 4, 6, 2]], rtol=1e-15)


@pytest.mark.parametrize(("words", "u"), [(30, 0.0), (60, np.log(2)), (1, np.log(4 / 30)), (900, np.log(800 / 30))])
def test_both_paths_are_joined_by_the_length(words: int, u: float) -> None:
    joined = Joined()
    joined.set_weights([np.array([[0.5, 0.25, -0.5], [1, 2, 3]], np.float32)])
    found = np.asarray(joined([np.array([[2.0]], np.float32), np.array([[10.0, 20, 30, words]])]))
    expected = 2 * (0.5 + 0.25 * u - 0.5 * u * u) + (10 + 1) + (20 + 2) * u + (30 + 3) * u * u
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[expected]], rtol=1e-6)


def test_padding_changes_no_answer(whole: Whole) -> None:
    token_ids = padded(texts_of_every_length())
    ngram_ids = whole.table.look_up(token_ids)
    together = np.asarray(whole.model([token_ids, ngram_ids]))[:, 0]
    alone = [text[None].astype(np.int32) for text in texts_of_every_length()]
    by_themselves = [np.asarray(whole.model([ids, whole.table.look_up(ids)]))[0, 0] for ids in alone]
    np.testing.assert_allclose(together, by_themselves, atol=1e-6)
    assert np.ptp(together) > 0.3


def test_a_saved_network_has_the_same_answers_and_layers(whole: Whole, tmp_path: Path) -> None:
    whole.model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in whole.model.layers]
    assert [one.name for one in loaded.inputs] == ["token_ids", "ngram_ids"]
    for weights, again in zip(loaded.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, again)
    token_ids = padded(texts_of_every_length())
    both = [token_ids, whole.table.look_up(token_ids)]
    np.testing.assert_array_equal(np.asarray(loaded(both)), np.asarray(whole.model(both)))


def test_each_layer_that_computes_is_described(whole: Whole) -> None:
    described = {layer.name: layer for layer in describe_layers(whole.model, TINY_NETWORK.maxlen)}
    assert list(described)[:4] == ["embedding", "conv1", "conv2", "conv3"]
    assert set(described) == {
        *("embedding", "conv1", "conv2", "conv3", "max1", "max2", "max3", "sum1", "sum2", "sum3"),
        *("deep_logit", "ngram_sums", "logit", "probability"),
    }
    assert described["embedding"].output_shape == (40, 4)
    assert [described[f"conv{width}"].output_shape for width in (1, 2, 3)] == [(41, 8)] * 3
    assert [described[f"conv{width}"].kernel_size for width in (1, 2, 3)] == [1, 2, 3]
    assert [described[f"conv{width}"].activations for width in (1, 2, 3)] == ["conv1", "conv2", "conv3"]
    assert [described[name].output_shape for name in ("max1", "sum3", "ngram_sums", "logit")] == [
        (8,),
        (8,),
        (4,),
        (1,),
    ]
    assert described["ngram_sums"].kind == "NgramSums"
    assert sum(layer.parameters for layer in described.values()) == whole.model.count_params()
    assert [layer.name for layer in described.values() if layer.activations] == [
        layer.name for layer in first_convolutions(whole.model)
    ]


def test_the_exported_convolutions_are_the_students_but_for_the_rounding_of_vectors(whole: Whole) -> None:
    token_ids = padded(texts_of_every_length())
    exported, learnt = (
        np.asarray(keras.Model(model.inputs[0], model.get_layer("deep_logit").output)(token_ids))
        for model in (whole.model, whole.student)
    )
    np.testing.assert_allclose(exported, learnt, rtol=0, atol=0.03)
    assert np.ptp(learnt) > 1
