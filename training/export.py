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
from training.recipes import Recipe

OPSET = 18
MAX_DIFFERENCE = 1e-5
"""Largest |Δp| between Keras and onnxruntime that passes."""

INPUT, OUTPUT = "token_ids", "probability"
GRAPH_FILE, VOCABULARY_FILE = "model.onnx", "vocabulary.txt"


@dataclass(frozen=True)
class Reference:
    """What Keras says of test reviews, for the exported model to repeat.

    Attributes:
        token_ids: padded reviews, int32[n, maxlen].
        texts: the same reviews as text.
        probabilities: Keras's answers, float32[n].
    """

    token_ids: NDArray[np.int32]
    texts: list[str]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True)
class Facts:
    """What a manifest records of how a model came about and how good it is."""

    metrics: dict[str, Any]
    libraries: dict[str, str]


def to_onnx(model: keras.Model, input_name: str, output_name: str) -> onnx.ModelProto:
    """The model as tf2onnx writes it, for any batch size.

    Args:
        model: with one input and one output, of fixed shapes but for the batch.
    """
    spec = tf.TensorSpec((None, *model.input_shape[1:]), model.inputs[0].dtype, name=input_name)

    @tf.function(input_signature=[spec])  # type: ignore[untyped-decorator]
    def graph(batch: tf.Tensor) -> dict[str, tf.Tensor]:
        return {output_name: model(batch, training=False)}

    proto, _ = tf2onnx.convert.from_function(graph, input_signature=[spec], opset=OPSET)
    return proto


def write_bundle(
    model: keras.Model, recipe: Recipe, word_index: dict[str, int], reference: Reference, facts: Facts, path: Path
) -> float:
    """Exports the model as the bundle `path`, which appears whole and checked, or not at all.

    Returns:
        The largest |Δp| between Keras and onnxruntime over the reference's reviews.

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
    manifest = _manifest(recipe, partial, difference, len(reference.probabilities), facts)
    (partial / MANIFEST_FILE).write_text(json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n")
    _check_from_text(partial, reference)
    if path.exists():
        shutil.rmtree(path)
    os.replace(partial, path)
    shutil.rmtree(partial.parents[1])
    return difference


def _graph_difference(path: Path, reference: Reference) -> float:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    batches = np.array_split(reference.token_ids, max(1, len(reference.token_ids) // 256))
    answers = np.concatenate([session.run([OUTPUT], {INPUT: batch})[0][:, 0] for batch in batches])
    return _checked(answers, reference.probabilities, "the exported graph")


def _check_from_text(path: Path, reference: Reference) -> None:
    """Through the service's own reader, tokenizer and session, as a caller's text will go."""
    predictor = Predictor.load(open_bundle(path), "float32")
    # Reviews with typographic characters are read as a person reads them, which Keras did not do.
    rows = [row for row, text in enumerate(reference.texts) if plain_typography(text) == text]
    predictions = predictor.predict([reference.texts[row] for row in rows])
    answers = np.array([prediction.probability for prediction in predictions])
    _checked(answers, reference.probabilities[rows], "the bundle, from raw text,")


def _checked(answers: NDArray[Any], expected: NDArray[np.float32], what: str) -> float:
    difference = float(np.abs(answers - expected).max())
    if not difference <= MAX_DIFFERENCE:  # also true of NaN
        raise ExportError(f"{what} differs from Keras by up to {difference:.2g}; {MAX_DIFFERENCE:g} is allowed.")
    return difference


def _manifest(recipe: Recipe, path: Path, difference: float, reviews: int, facts: Facts) -> Manifest:
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
        metrics=facts.metrics,
        recipe=recipe.as_dict(),
        seed=recipe.seed,
        libraries=facts.libraries,
        files={name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in (GRAPH_FILE, VOCABULARY_FILE)},
    )
