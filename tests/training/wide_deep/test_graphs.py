"""The graphs of a whole network, and what Keras says of texts."""

import numpy as np
import onnxruntime
import pytest

from tests.training.conftest import TINY_NETWORK, ragged
from tests.training.wide_deep.conftest import Whole
from training.trained import Graphs
from training.wide_deep.batches import padded
from training.wide_deep.graphs import network_probabilities, wide_deep_graphs

REVIEWS = [np.random.default_rng(length).integers(1, TINY_NETWORK.num_words, length) for length in range(1, 80)]


@pytest.fixture(scope="module")
def graphs(whole: Whole) -> Graphs:
    return wide_deep_graphs(whole.model, whole.keys, TINY_NETWORK, REVIEWS)


def test_all_forms_have_both_inputs_and_the_ngrams_are_told(graphs: Graphs) -> None:
    assert list(graphs.by_precision) == ["reference", "float32", "int8"]
    assert graphs.ngrams is not None
    assert (graphs.ngrams.name, graphs.ngrams.max_order) == ("ngram_ids", TINY_NETWORK.max_order)
    for graph in graphs.by_precision.values():
        assert [one.name for one in graph.graph.input] == ["token_ids", "ngram_ids"]
    outputs = [output.name for output in graphs.by_precision["reference"].graph.output]
    assert outputs[:4] == ["probability", "conv1", "conv2", "conv3"]
    assert set(outputs[4:]) == {f"{name}_{part}" for name in outputs[1:4] for part in ("kernel", "bias", "vectors")}


@pytest.mark.parametrize(("precision", "tolerance"), [("reference", 2e-6), ("float32", 2e-6), ("int8", 0.2)])
def test_the_graphs_answer_as_keras_predicts(graphs: Graphs, whole: Whole, precision: str, tolerance: float) -> None:
    predicted = network_probabilities(whole.model, whole.table, TINY_NETWORK, REVIEWS)
    token_ids = padded([review[-TINY_NETWORK.maxlen :] for review in REVIEWS])
    graph = graphs.by_precision[precision].SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    feeds = {"token_ids": token_ids, "ngram_ids": whole.table.look_up(token_ids)}
    found = session.run(["probability"], feeds)[0].ravel()
    np.testing.assert_allclose(found, predicted, rtol=0, atol=tolerance)
    assert np.ptp(predicted) > 0.3


def test_predictions_come_in_order_and_of_the_last_ids_alone(whole: Whole) -> None:
    texts = [[1, 5], [7] * 100, [1, *[9, 8] * 5], [7] * TINY_NETWORK.maxlen]

    def predict(*some: list[int]) -> list[float]:
        found: list[float] = network_probabilities(whole.model, whole.table, TINY_NETWORK, ragged(some)).tolist()
        return found

    together = predict(*texts)
    np.testing.assert_allclose(together, [predict(text)[0] for text in texts], atol=1e-6)
    assert together[1] == pytest.approx(together[3], abs=1e-6)
