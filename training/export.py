"""From a Keras model to a bundle: ONNX, checked against Keras, then reopened and checked as the service reads it."""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from service.bundle import (
    MANIFEST_FILE,
    SCHEMA_VERSION,
    GraphSpec,
    InputSpec,
    Manifest,
    OutputSpec,
    TokenizerSpec,
    open_bundle,
)
from service.predictor import Predictor
from service.tokenizer import plain_typography
from training.errors import ExportError
from training.evaluate import Answers, metrics
from training.recipes import Recipe

OPSET = 18
MAX_DIFFERENCE = 1e-5
"""Largest |Δp| between Keras and onnxruntime that passes."""

INPUT, OUTPUT = "token_ids", "probability"
GRAPH_FILE, VOCABULARY_FILE = "model.onnx", "vocabulary.txt"


@dataclass(frozen=True)
class Reference:
    """Labelled test reviews and what Keras says of them, for the exported model to repeat.

    Attributes:
        token_ids: padded reviews, int32[n, maxlen].
        probabilities: Keras's answers, float32[n].
        texts: the same reviews as text.
        labels: 1 = positive, int64[n].
        lengths: token ids of each review before any cut, int64[n].
    """

    token_ids: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    texts: list[str]
    labels: NDArray[np.int64]
    lengths: NDArray[np.int64]


@dataclass(frozen=True)
class Exported:
    """What exporting measured: quality as served, and the largest |Δp| between Keras and onnxruntime."""

    metrics: dict[str, Any]
    max_difference: float


def to_onnx(model: keras.Model, input_name: str, output_name: str) -> onnx.ModelProto:
    """The model as tf2onnx writes it, for any batch size.

    Args:
        model: with one input and one output, of fixed shapes but for the batch.
        input_name: of the graph's input.
        output_name: of the graph's output.
    """
    spec = tf.TensorSpec((None, *model.input_shape[1:]), model.inputs[0].dtype, name=input_name)

    @tf.function(input_signature=[spec])  # type: ignore[untyped-decorator]
    def graph(batch: tf.Tensor) -> dict[str, tf.Tensor]:
        return {output_name: model(batch, training=False)}

    proto: onnx.ModelProto = tf2onnx.convert.from_function(graph, input_signature=[spec], opset=OPSET)[0]
    return proto


def write_bundle(
    model: keras.Model,
    recipe: Recipe,
    word_index: dict[str, int],
    reference: Reference,
    libraries: dict[str, str],
    path: Path,
) -> Exported:
    """Exports the model as the bundle `path`, which appears whole and checked, or not at all.

    Its metrics are those of the finished bundle, which reads the reference's texts as the service will.

    Raises:
        ExportError: the exported model differs from Keras.
    """
    partial = path.parent / f".{path.name}.partial" / recipe.model_name / str(recipe.model_version)
    shutil.rmtree(partial.parents[1], ignore_errors=True)
    partial.mkdir(parents=True)
    onnx.save(to_onnx(model, INPUT, OUTPUT), partial / GRAPH_FILE)
    difference = _graph_difference(partial / GRAPH_FILE, reference)
    ranked = sorted(word_index, key=word_index.__getitem__)
    (partial / VOCABULARY_FILE).write_bytes(("\n".join(ranked) + "\n").encode())
    manifest = _manifest(recipe, partial, difference, len(reference.labels), libraries)
    _write_manifest(partial, manifest)
    answers = _answers_from_text(partial, reference)
    measured = metrics(Answers(answers, reference.labels, reference.lengths), recipe.threshold)
    _write_manifest(partial, manifest.model_copy(update={"metrics": {"test": measured}}))
    if path.exists():
        shutil.rmtree(path)
    os.replace(partial, path)
    shutil.rmtree(partial.parents[1])
    return Exported(measured, difference)


def _write_manifest(path: Path, manifest: Manifest) -> None:
    (path / MANIFEST_FILE).write_text(json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n")


def _graph_difference(path: Path, reference: Reference) -> float:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    batches = np.array_split(reference.token_ids, max(1, len(reference.token_ids) // 256))
    answers = np.concatenate([session.run([OUTPUT], {INPUT: batch})[0][:, 0] for batch in batches])
    return _checked(answers, reference.probabilities, "the exported graph")


def _answers_from_text(path: Path, reference: Reference) -> NDArray[np.float64]:
    """Through the service's own reader, tokenizer and session, as a caller's text goes; checked against Keras."""
    predictions = Predictor.load(open_bundle(path), "float32").predict(reference.texts)
    answers = np.array([prediction.probability for prediction in predictions])
    # Typographic characters are read as a person reads them; Keras did not, so there it is no reference.
    as_keras = [row for row, text in enumerate(reference.texts) if plain_typography(text) == text]
    _checked(answers[as_keras], reference.probabilities[as_keras], "the bundle, from raw text,")
    return answers


def _checked(answers: NDArray[Any], expected: NDArray[np.float32], what: str) -> float:
    difference = float(np.abs(answers - expected).max())
    if not difference <= MAX_DIFFERENCE:  # also true of NaN
        raise ExportError(f"{what} differs from Keras by up to {difference:.2g}; {MAX_DIFFERENCE:g} is allowed.")
    return difference


def _manifest(recipe: Recipe, path: Path, difference: float, reviews: int, libraries: dict[str, str]) -> Manifest:
    graph = GraphSpec(
        file=GRAPH_FILE,
        input_shape=(None, recipe.maxlen),
        metrics={"max_difference_to_keras": difference, "compared_reviews": reviews},
    )
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=recipe.model_name,
        version=recipe.model_version,
        description=recipe.description,
        tokenizer=TokenizerSpec(
            name="keras-imdb",
            vocabulary=VOCABULARY_FILE,
            num_words=recipe.num_words,
            pad_id=0,
            start_id=1,
            oov_id=2,
            index_from=3,
        ),
        input=InputSpec(
            name=INPUT, dtype="int32", maxlen=recipe.maxlen, padding=recipe.padding, truncating=recipe.truncating
        ),
        output=OutputSpec(name=OUTPUT, dtype="float32"),
        graphs={"float32": graph},
        labels=("negative", "positive"),
        threshold=recipe.threshold,
        metrics={},
        recipe=recipe.as_dict(),
        seed=recipe.seed,
        libraries=libraries,
        files={name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in (GRAPH_FILE, VOCABULARY_FILE)},
    )
