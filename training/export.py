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
from training.inference_form import INPUT, OUTPUT, inference_form
from training.recipes import Recipe

OPSET = 18
MAX_DIFFERENCE = 1e-5
"""Largest |Δp| between Keras and onnxruntime that passes."""

VOCABULARY_FILE = "vocabulary.txt"


@dataclass(frozen=True)
class Reference:
    """Labelled test reviews and what Keras says of them, for the exported model to repeat.

    Attributes:
        probabilities: Keras's answers, float32[n].
        texts: the same reviews as text.
        labels: 1 = positive, int64[n].
        lengths: token ids of each review before any cut, int64[n].
    """

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
    graphs = _write_graphs(model, partial)
    ranked = sorted(word_index, key=word_index.__getitem__)
    (partial / VOCABULARY_FILE).write_bytes(("\n".join(ranked) + "\n").encode())
    manifest = _manifest(recipe, graphs, _hashes(partial), libraries)
    _write_manifest(partial, manifest)
    measured: dict[str, Any] = {}
    for precision, graph in graphs.items():
        answers, difference = _answers_from_text(partial, precision, reference)
        measured = metrics(Answers(answers, reference.labels, reference.lengths), recipe.threshold)
        about = {"max_difference_to_keras": difference, "accuracy": measured["accuracy"]}
        graphs[precision] = graph.model_copy(update={"metrics": about})
    _write_manifest(partial, manifest.model_copy(update={"metrics": {"test": measured}, "graphs": graphs}))
    if path.exists():
        shutil.rmtree(path)
    os.replace(partial, path)
    shutil.rmtree(partial.parents[1])
    return Exported(measured, max(graph.metrics["max_difference_to_keras"] for graph in graphs.values()))


def _write_manifest(path: Path, manifest: Manifest) -> None:
    (path / MANIFEST_FILE).write_text(json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n")


def _write_graphs(model: keras.Model, path: Path) -> dict[str, GraphSpec]:
    """The graphs by precision: the reference as tf2onnx writes it, and the form that computes less."""
    onnx.save(to_onnx(model, INPUT, OUTPUT), path / "reference.onnx")
    graphs = {"reference": GraphSpec(file="reference.onnx", input_shape=(None, model.input_shape[1]), metrics={})}
    if form := inference_form(model):
        onnx.save(form, path / "float32.onnx")
        graphs["float32"] = GraphSpec(file="float32.onnx", input_shape=(None, None), metrics={})
    else:
        graphs["float32"] = graphs["reference"]
    return graphs


def _answers_from_text(path: Path, precision: str, reference: Reference) -> tuple[NDArray[np.float64], float]:
    """Through the service's own reader, tokenizer and session, as a caller's text goes.

    Returns:
        The answers and how much they differ from Keras's at most.

    Raises:
        ExportError: they differ by more than `MAX_DIFFERENCE`.
    """
    predictions = Predictor.load(open_bundle(path), precision).predict(reference.texts)
    answers = np.array([prediction.probability for prediction in predictions])
    # Typographic characters are read as a person reads them; Keras did not, so there it is no reference.
    as_keras = [row for row, text in enumerate(reference.texts) if plain_typography(text) == text]
    difference = float(np.abs(answers[as_keras] - reference.probabilities[as_keras]).max())
    if not difference <= MAX_DIFFERENCE:  # also true of NaN
        raise ExportError(
            f"the {precision} graph, reading raw text, differs from Keras by up to {difference:.2g}; "
            f"{MAX_DIFFERENCE:g} is allowed."
        )
    return answers, difference


def _hashes(path: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(path.iterdir())}


def _manifest(
    recipe: Recipe, graphs: dict[str, GraphSpec], files: dict[str, str], libraries: dict[str, str]
) -> Manifest:
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
        graphs=graphs,
        labels=("negative", "positive"),
        threshold=recipe.threshold,
        metrics={},
        recipe=recipe.as_dict(),
        seed=recipe.seed,
        libraries=libraries,
        files=files,
    )
