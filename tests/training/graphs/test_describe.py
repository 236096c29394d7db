"""What the bundle tells of the layers is what Keras says, and the activations are Keras's."""

from pathlib import Path

import keras
import numpy as np
import pytest

from service.explain.first_layer import strongest_filters
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from tests.training.conftest import TINY, seeded
from tests.training.test_export import CALIBRATION, LIBRARIES, NAME
from training.data.imdb_reviews import imdb_tokenizer_config
from training.export import Reference, write_bundle
from training.graphs.describe import describe_layers, first_convolutions
from training.lecture.graphs import lecture_graphs


def with_branches() -> keras.Model:
    """Two widths of convolutions over the same vectors, dropout before one, and one of a kind that no run fits."""
    ids = keras.Input((12,), dtype="int32")
    vectors = keras.layers.Embedding(30, 4, name="vectors")(ids)
    dropped = keras.layers.SpatialDropout1D(0.5)(vectors)
    two = keras.layers.Conv1D(3, 2, name="two")(dropped)
    three = keras.layers.Conv1D(3, 3, name="three")(vectors)
    same = keras.layers.Conv1D(3, 3, padding="same", name="same")(vectors)
    second = keras.layers.Conv1D(3, 3, name="second")(two)
    pools = [keras.layers.GlobalMaxPooling1D()(branch) for branch in (two, three, same, second)]
    return keras.Model(ids, keras.layers.Dense(1, activation="sigmoid")(keras.layers.Concatenate()(pools)))


def test_each_layer_is_described() -> None:
    described = describe_layers(seeded(TINY, 1), TINY.maxlen)
    assert [layer.name for layer in described] == [
        *("embedding", "conv1_1", "pool1", "conv2_1", "pool2", "flatten", "probability"),
    ]
    assert [layer.output_shape for layer in described] == [(20, 4), (18, 4), (9, 4), (7, 6), (3, 6), (18,), (1,)]
    assert [layer.parameters for layer in described] == [200, 52, 0, 78, 0, 0, 19]
    assert [layer.kernel_size for layer in described] == [None, 3, None, 3, None, None, None]
    assert [layer.activations for layer in described] == [None, "conv1_1", None, None, None, None, None]


def test_first_are_all_convolutions_whose_steps_are_runs_of_words() -> None:
    assert [layer.name for layer in first_convolutions(with_branches())] == ["two", "three"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = seeded(TINY, 1)
    token_ids = np.zeros((4, TINY.maxlen), np.int32)
    token_ids[:, 0] = 1  # texts without words
    probabilities, labels = model.predict(token_ids, verbose=0)[:, 0], np.array([0, 1, 0, 1])
    reference = Reference(probabilities, ["-"] * 4, labels, np.ones(4, int), [0, 1, 2, 3])
    path = tmp_path_factory.mktemp("models") / NAME
    write_bundle(
        lecture_graphs(model, TINY, CALIBRATION),
        TINY,
        imdb_tokenizer_config({"the": 1}, TINY.num_words),
        reference,
        LIBRARIES,
        path,
    )
    return path


@pytest.mark.parametrize("length", [1, 2, 5, 19, 20, 33])
def test_the_strongest_filters_are_those_of_keras(bundle: Path, length: int) -> None:
    model = seeded(TINY, 1)
    ids = np.random.default_rng(length).integers(1, TINY.num_words, length).astype(np.int32)
    matches = strongest_filters(Predictor.load(open_bundle(bundle), "float32"), ids, 3)
    read = ids[-TINY.maxlen :]
    padded = np.concatenate([read, np.zeros(TINY.maxlen - len(read), np.int32)])
    convolution = keras.Model(model.inputs[0], model.get_layer("conv1_1").output)
    answers = np.asarray(convolution(padded[None]))[0][: len(read)]
    expected = sorted(((answers[:, number].max(), number) for number in range(answers.shape[1])), reverse=True)
    expected = [(value, number) for value, number in expected[:3] if value > 0]
    assert [match.number for match in matches] == [number for _, number in expected]
    for match, (value, number) in zip(matches, expected, strict=True):
        assert match.activation == pytest.approx(value, abs=1e-5)
        assert (match.layer, match.width, match.position) == ("conv1_1", 3, answers[:, number].argmax())
