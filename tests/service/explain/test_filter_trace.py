"""A filter of the first layer along a text: of the committed models, and of one that does not give its weights."""

from pathlib import Path

import numpy as np
import pytest

from service.errors import InvalidRequestError
from service.explain.filter_trace import MAX_PLACES, trace_filter
from service.explain.first_layer import strongest_filters
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from tests.service.conftest import MODELS_DIR
from tests.service.explain.test_first_layer import with_threes

TEXTS = ["good", "I loved every minute of it.", "정말 재미있는 영화", "a great film " * 200]


@pytest.fixture(scope="module", params=["imdb-conv1d/1", "nsmc-conv1d/2"])
def predictor(request: pytest.FixtureRequest) -> Predictor:
    return Predictor.load(open_bundle(MODELS_DIR / request.param), "float32")


@pytest.mark.parametrize("text", TEXTS)
def test_an_activation_is_relu_of_the_sum_of_vectors_times_weights(predictor: Predictor, text: str) -> None:
    layers = [layer for layer in predictor.manifest.layers if layer.activations]
    for layer in layers:
        trace = trace_filter(predictor, text, layer.name, 5)
        assert trace.weights is not None
        assert trace.vectors is not None
        assert trace.weights.shape == (layer.kernel_size, trace.vectors.shape[1])
        used = min(len(predictor.encode([text])[0].token_ids), predictor.manifest.input.maxlen, MAX_PLACES)
        assert len(trace.activations) == used
        sums = [
            (trace.vectors[place : place + trace.width] * trace.weights).sum() + trace.bias for place in range(used)
        ]
        np.testing.assert_allclose(trace.activations, np.maximum(sums, 0), atol=1e-5)


def test_the_strongest_filter_is_traced_with_its_activation_at_its_place(predictor: Predictor) -> None:
    text = "I loved 정말 every minute of it."
    [match] = strongest_filters(predictor, predictor.encode([text])[0].token_ids, 1)
    trace = trace_filter(predictor, text, match.layer, match.number)
    assert trace.activations[match.position - trace.first] == pytest.approx(match.activation)
    assert trace.activations.max() == trace.activations[match.position - trace.first]


def test_a_model_that_does_not_give_its_weights_has_activations_alone(tmp_path: Path) -> None:
    predictor = Predictor.load(open_bundle(with_threes(tmp_path).path), "reference")
    trace = trace_filter(predictor, "good film", "threes", 0)
    assert trace.activations.tolist() == [2.25, 2.0, 0.0]  # the first place is the mark of the beginning
    assert (trace.weights, trace.bias, trace.vectors) == (None, None, None)


@pytest.mark.parametrize(("layer", "number"), [("threes", 3), ("fours", 0)])
def test_a_filter_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path, layer: str, number: int) -> None:
    predictor = Predictor.load(open_bundle(with_threes(tmp_path).path), "reference")
    with pytest.raises(InvalidRequestError, match=rf"no filter {number} of {layer}; it has threes \(0 to 2\)"):
        trace_filter(predictor, "good", layer, number)
