"""The bundle: what is in it, and that a model which answers differently from Keras never becomes one."""

import json
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from service.errors import BundleError
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from tests.training.conftest import REVIEWS, TINY, WORDS, seeded
from training import export, histograms
from training.data.data_set import TokenizerConfig, decode
from training.data.imdb import every_word, load_data, load_word_index
from training.data.imdb_reviews import exact_rows, imdb_tokenizer_config
from training.data.words import words_by_id
from training.errors import ExportError
from training.export import Exported, Reference, write_bundle
from training.graphs.convert import to_onnx
from training.lecture import graphs
from training.lecture.graphs import lecture_graphs
from training.lecture.model import padded

NAME = Path(TINY.model_name, str(TINY.model_version))
LIBRARIES = {"keras": "3", "numpy": "2"}
CALIBRATION = np.random.default_rng(5).integers(1, TINY.num_words, (64, TINY.maxlen), np.int32)


@pytest.fixture(scope="module")
def word_index(data_dir: Path) -> dict[str, int]:
    return load_word_index(data_dir)


@pytest.fixture(scope="module")
def config(word_index: dict[str, int]) -> TokenizerConfig:
    return imdb_tokenizer_config(word_index, TINY.num_words)


@pytest.fixture(scope="module")
def model() -> keras.Sequential:
    return seeded(TINY, 1)


@pytest.fixture(scope="module")
def reference(data_dir: Path, word_index: dict[str, int], model: keras.Sequential) -> Reference:
    """The synthetic test reviews, some of which have typographic words."""
    _, (reviews, labels) = load_data(data_dir, num_words=TINY.num_words)
    _, (whole, _) = load_data(data_dir, num_words=every_word(word_index))
    words = words_by_id(word_index)
    token_ids = padded(reviews, TINY)
    texts = [decode(review[1:], words) for review in whole]
    return Reference(
        probabilities=model.predict(token_ids, verbose=0)[:, 0],
        texts=texts,
        labels=labels,
        lengths=np.array([len(review) for review in reviews]),
        exact=exact_rows(texts),
    )


@pytest.fixture(scope="module")
def proto(model: keras.Sequential) -> onnx.ModelProto:
    return to_onnx(model, "probability")


@pytest.fixture(scope="module")
def models_dir(
    model: keras.Sequential,
    config: TokenizerConfig,
    reference: Reference,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Holds the bundle of the tiny model."""
    folder = tmp_path_factory.mktemp("models")
    write_bundle(lecture_graphs(model, TINY, CALIBRATION), TINY, config, reference, LIBRARIES, folder / NAME)
    return folder


@pytest.fixture
def ready_graph(monkeypatch: pytest.MonkeyPatch, proto: onnx.ModelProto) -> None:
    """Spares a test the conversion, which is the slow part."""
    monkeypatch.setattr(graphs, "to_onnx", lambda *_: proto)


def test_service_accepts_the_bundle_and_answers_as_keras(models_dir: Path, reference: Reference) -> None:
    predictor = Predictor.load(open_bundle(models_dir / NAME), "float32")
    plain = [row for row, text in enumerate(reference.texts) if "–" not in text]
    predictions = predictor.predict([reference.texts[row] for row in plain])
    answers = [prediction.probability for prediction in predictions]
    np.testing.assert_allclose(answers, reference.probabilities[plain], atol=2e-6)
    assert 10 < len(plain) < REVIEWS  # there are both kinds


def test_every_graph_gives_the_logit_of_its_probability(models_dir: Path, reference: Reference) -> None:
    bundle = open_bundle(models_dir / NAME)
    for precision in bundle.manifest.graphs:
        predictor = Predictor.load(bundle, precision)
        assert predictor.gives_logits
        for run in predictor.runs(predictor.encode(reference.texts)):
            expected = 1 / (1 + np.exp(-predictor.compute_logits(run)))
            np.testing.assert_allclose(predictor.compute(run), expected, rtol=0, atol=1e-6)


def test_manifest_says_all_that_inference_needs(models_dir: Path) -> None:
    manifest = open_bundle(models_dir / NAME).manifest.model_dump(mode="json")
    assert (manifest["schema_version"], manifest["name"], manifest["version"]) == (1, "tiny-model", 1)
    assert manifest["description"] == TINY.description
    assert manifest["tokenizer"] == {
        **{"name": "keras-imdb", "vocabulary": "vocabulary.txt"},
        **{"num_words": 50, "pad_id": 0, "start_id": 1, "oov_id": 2, "index_from": 3},
    }
    assert manifest["input"] == {
        **{"name": "token_ids", "dtype": "int32", "maxlen": 20},
        **{"padding": "post", "truncating": "pre"},
    }
    assert manifest["output"] == {"name": "probability", "dtype": "float32", "logit": "logit"}
    shapes = {"reference": [None, 20], "float32": [None, None], "int8": [None, None]}
    assert {name: graph["input_shape"] for name, graph in manifest["graphs"].items()} == shapes
    for precision in ("reference", "float32"):
        difference = manifest["graphs"][precision]["metrics"]["max_difference_to_keras"]
        assert 0 <= difference <= export.MAX_DIFFERENCE
    assert manifest["graphs"]["int8"]["metrics"]["label_agreement"] >= export.MIN_AGREEMENT
    assert (manifest["labels"], manifest["threshold"]) == (["negative", "positive"], 0.5)
    assert (manifest["recipe"], manifest["seed"]) == (TINY.as_dict(), TINY.seed)
    assert manifest["libraries"] == LIBRARIES
    assert set(manifest["files"]) == {path.name for path in (models_dir / NAME).iterdir()} - {"manifest.json"}


def test_manifests_quality_is_that_of_the_texts_as_the_service_reads_them(
    models_dir: Path, reference: Reference
) -> None:
    bundle = open_bundle(models_dir / NAME)
    predictions = Predictor.load(bundle, "float32").predict(reference.texts)
    positive = np.array([prediction.label == "positive" for prediction in predictions])
    measured = bundle.manifest.metrics["test"]
    assert measured["reviews"] == REVIEWS
    assert measured["accuracy"] == pytest.approx((positive == (reference.labels == 1)).mean())
    assert sum(row["reviews"] for row in measured["by_length"]) == REVIEWS


def test_vocabulary_is_in_order_of_rank_and_keeps_words_with_odd_characters(models_dir: Path) -> None:
    bundle = open_bundle(models_dir / NAME)
    assert bundle.read_vocabulary() == WORDS  # among them an accent, a dash and a character that splits lines
    assert (bundle.path / "vocabulary.txt").read_bytes().count(b"\n") == len(WORDS)


def test_graph_takes_any_number_of_reviews_of_the_full_length(proto: onnx.ModelProto) -> None:
    (token_ids,), (probability, *_) = proto.graph.input, proto.graph.output
    batch, length = token_ids.type.tensor_type.shape.dim
    assert (token_ids.name, probability.name) == ("token_ids", "probability")
    assert (batch.dim_value, length.dim_value) == (0, TINY.maxlen)
    assert token_ids.type.tensor_type.elem_type == onnx.TensorProto.INT32


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def bundles(models_dir: Path) -> list[Path]:
    return [path.parent for path in models_dir.glob("*/[0-9]*/manifest.json")]


@pytest.mark.parametrize("spoiled", ["weights", "nan"])
def test_graph_that_differs_from_keras_leaves_the_old_bundle_in_place(
    spoiled: str,
    models_dir: Path,
    model: keras.Sequential,
    config: TokenizerConfig,
    reference: Reference,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = seeded(TINY, 2)
    if spoiled == "nan":
        other.set_weights([np.full_like(weights, np.nan) for weights in other.get_weights()])
    wrong = to_onnx(other, "probability")
    monkeypatch.setattr(graphs, "to_onnx", lambda *_: wrong)
    before = files(models_dir / NAME)
    with pytest.raises(
        (ExportError, BundleError), match=r"the reference graph, reading raw text, differs from Keras|not probabilities"
    ):
        write_bundle(lecture_graphs(model, TINY, CALIBRATION), TINY, config, reference, LIBRARIES, models_dir / NAME)
    assert files(models_dir / NAME) == before
    assert bundles(models_dir) == [models_dir / NAME]


@pytest.mark.usefixtures("ready_graph")
def test_bundle_that_reads_texts_differently_does_not_appear(
    model: keras.Sequential, word_index: dict[str, int], reference: Reference, tmp_path: Path
) -> None:
    swapped = {**word_index, "the": word_index["word6"], "word6": word_index["the"]}
    wrong = imdb_tokenizer_config(swapped, TINY.num_words)
    with pytest.raises(ExportError, match="reading raw text, differs from Keras by up to"):
        write_bundle(lecture_graphs(model, TINY, CALIBRATION), TINY, wrong, reference, LIBRARIES, tmp_path / NAME)
    assert bundles(tmp_path) == []


@pytest.mark.usefixtures("ready_graph")
def test_new_bundle_takes_the_place_of_the_old_one(
    model: keras.Sequential, config: TokenizerConfig, reference: Reference, tmp_path: Path
) -> None:
    old = tmp_path / NAME
    old.mkdir(parents=True)
    (old / "leftover.onnx").write_bytes(b"of a former export")
    half = tmp_path / TINY.model_name / f".{TINY.model_version}.partial" / "half"
    half.mkdir(parents=True)
    exported = write_bundle(lecture_graphs(model, TINY, CALIBRATION), TINY, config, reference, {"keras": "4"}, old)
    assert isinstance(exported, Exported)
    assert exported.metrics == json.loads((old / "manifest.json").read_text())["metrics"]["test"]
    assert open_bundle(old).manifest.libraries == {"keras": "4"}
    assert not (old / "leftover.onnx").exists()
    assert [path.name for path in old.parent.iterdir()] == [old.name]


@pytest.mark.usefixtures("ready_graph")
def test_a_bundle_has_the_histograms_of_its_test_texts_if_there_are_enough(
    model: keras.Sequential,
    config: TokenizerConfig,
    reference: Reference,
    models_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert open_bundle(models_dir / NAME).manifest.histograms is None
    monkeypatch.setattr(histograms, "MIN_TEXTS", len(reference.texts))
    monkeypatch.setattr(histograms, "TEXTS_PER_BIN", 20)
    write_bundle(lecture_graphs(model, TINY, CALIBRATION), TINY, config, reference, LIBRARIES, tmp_path / NAME)
    written = open_bundle(tmp_path / NAME).manifest.histograms
    assert written
    assert (written.texts, len(written.length.counts)) == (len(reference.texts), 4)


@pytest.mark.usefixtures("ready_graph")
@pytest.mark.parametrize("bar", [{"MIN_AGREEMENT": 1.1}, {"MAX_ACCURACY_LOSS": -1.0}])
def test_an_8_bit_form_that_is_not_good_enough_is_left_out(
    bar: dict[str, float],
    model: keras.Sequential,
    config: TokenizerConfig,
    reference: Reference,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in bar.items():
        monkeypatch.setattr(export, name, value)
    write_bundle(lecture_graphs(model, TINY, CALIBRATION), TINY, config, reference, LIBRARIES, tmp_path / NAME)
    bundle = open_bundle(tmp_path / NAME)
    assert set(bundle.manifest.graphs) == {"reference", "float32"}
    assert not (bundle.path / "int8.onnx").exists()


def test_network_without_an_inference_form_is_served_by_its_reference(
    model: keras.Sequential,
    config: TokenizerConfig,
    reference: Reference,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graphs, "extract_network", lambda _: None)
    write_bundle(lecture_graphs(model, TINY, CALIBRATION), TINY, config, reference, LIBRARIES, tmp_path / NAME)
    bundle = open_bundle(tmp_path / NAME)
    assert bundle.graph_path("float32") == bundle.graph_path("reference")


def test_reviews_with_dashes_are_not_held_against_the_bundle(models_dir: Path, reference: Reference) -> None:
    # Keras knows "half–hearted" as one word; the service reads two words, as a person does.
    dashed = [row for row, text in enumerate(reference.texts) if "–" in text]
    predictor = Predictor.load(open_bundle(models_dir / NAME), "float32")
    predictions = predictor.predict([reference.texts[row] for row in dashed])
    answers = np.array([prediction.probability for prediction in predictions])
    assert np.abs(answers - reference.probabilities[dashed]).max() > export.MAX_DIFFERENCE
