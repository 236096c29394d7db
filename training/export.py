"""From a Keras model to a bundle: ONNX, checked against Keras, then reopened and checked as the service reads it."""

import hashlib
import json
import logging
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from service.inference.bundle import (
    MANIFEST_FILE,
    SCHEMA_VERSION,
    GraphSpec,
    InputSpec,
    LayerSpec,
    Manifest,
    NgramSpec,
    OutputSpec,
    open_bundle,
)
from service.inference.predictor import Predictor
from training.data_sets import Reading
from training.errors import ExportError
from training.evaluate import Answers, metrics
from training.graph_writer import INPUT, OPSET, OUTPUT
from training.inference_form import inference_form
from training.layers import describe_layers, first_convolutions
from training.logit_output import LOGIT, add_logit
from training.quantize import best_quantized_form
from training.recipes import LABELS, LectureRecipe, Recipe
from training.short_texts import LabelledTexts

MAX_DIFFERENCE = 1e-5
"""Largest |Δp| between Keras and an exact graph that passes."""
MIN_AGREEMENT, MAX_ACCURACY_LOSS = 0.995, 0.001
"""Labels that the 8-bit form shares with float32, and accuracy that it loses, for it to be in the bundle."""

logger = logging.getLogger(__name__)

NGRAMS_FILE = "ngrams.npy"


@dataclass(frozen=True)
class Reference:
    """Labelled test reviews and what Keras says of them, for the exported model to repeat.

    Attributes:
        probabilities: Keras's answers, float32[n].
        texts: the same reviews as text.
        labels: 1 = positive, int64[n].
        lengths: token ids of each review before any cut, int64[n].
        exact: positions of the reviews whose text the service reads as what Keras was given.
        short_texts: sentences out of them, by the name of the set, that the finished bundle is measured on as well.
    """

    probabilities: NDArray[np.float32]
    texts: list[str]
    labels: NDArray[np.int64]
    lengths: NDArray[np.int64]
    exact: list[int]
    short_texts: dict[str, LabelledTexts] = field(default_factory=dict)


@dataclass(frozen=True)
class Exported:
    """What exporting measured: quality as served in float32, and what is known of each graph, by precision."""

    metrics: dict[str, Any]
    graphs: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Ngrams:
    """The n-grams of a network's second input, as `service.inference.ngrams` looks them up.

    Attributes:
        name: of the input.
        keys: int64[n], rising.
        max_order: token ids in the longest.
    """

    name: str
    keys: NDArray[np.int64]
    max_order: int


@dataclass(frozen=True)
class Graphs:
    """What a trained network is in a bundle.

    Attributes:
        by_precision: the reference as tf2onnx writes it, the form that computes less, and that in 8 bits. Where the
            second is missing the reference stands for it.
        layers: for people to look at.
        ngrams: of the second input, if there is one.
    """

    by_precision: dict[str, onnx.ModelProto]
    layers: tuple[LayerSpec, ...]
    ngrams: Ngrams | None = None


def to_onnx(model: keras.Model, output_name: str) -> onnx.ModelProto:
    """The model as tf2onnx writes it, for any batch size, with outputs more for what its first convolutions give.

    These outputs have the names of their layers; they cost nothing where they are not asked for.

    Args:
        model: with one output; the graph's inputs have the names of its.
        output_name: of the graph's output.
    """
    first = first_convolutions(model)
    whole = keras.Model(model.inputs, [model.outputs[0], *(layer.output for layer in first)])
    names = [output_name, *(layer.name for layer in first)]
    specs = [tf.TensorSpec(each.shape, each.dtype, name=each.name) for each in model.inputs]

    @tf.function(input_signature=specs)  # type: ignore[untyped-decorator]
    def graph(*batch: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(names, tf.nest.flatten(whole(list(batch), training=False)), strict=True))

    proto: onnx.ModelProto = tf2onnx.convert.from_function(graph, input_signature=specs, opset=OPSET)[0]
    outputs = {output.name: output for output in proto.graph.output}
    del proto.graph.output[:]
    proto.graph.output.extend(outputs[name] for name in names)  # tf2onnx sorts them by name
    return proto


def lecture_graphs(model: keras.Model, recipe: LectureRecipe, training_token_ids: NDArray[np.int32]) -> Graphs:
    """The graphs of a network that `build_model` made.

    Args:
        model: trained.
        recipe: which it was trained by.
        training_token_ids: padded training reviews, int32[n, maxlen], for the 8-bit form to be calibrated on.
    """
    graphs = {"reference": to_onnx(model, OUTPUT)}
    form = inference_form(model) if recipe.padding == "post" else None
    if form is not None:
        graphs |= {"float32": form, "int8": best_quantized_form(form, training_token_ids)}
    return Graphs(graphs, describe_layers(model, recipe.maxlen))


def write_bundle(
    network: Graphs,
    recipe: Recipe,
    reading: Reading,
    reference: Reference,
    libraries: dict[str, str],
    path: Path,
    held_out: dict[str, Any] | None = None,
) -> Exported:
    """Exports the model as the bundle `path`, which appears whole and checked, or not at all.

    Its metrics are those of the finished bundle in float32, which reads the reference's texts as the service will.

    Args:
        network: trained.
        recipe: which it was trained by.
        reading: how text becomes token ids.
        reference: test reviews that every graph has to answer as Keras does.
        libraries: versions, for the manifest.
        path: folder of the bundle, `<name>/<version>`.
        held_out: metrics on training reviews that were held out, for the manifest.

    Raises:
        ExportError: the exported model differs from Keras.
    """
    partial = path.parent / f".{path.name}.partial" / recipe.model_name / str(recipe.model_version)
    shutil.rmtree(partial.parents[1], ignore_errors=True)
    partial.mkdir(parents=True)
    graphs = _write_graphs(network, partial)
    (partial / reading.spec.vocabulary).write_bytes(("\n".join(reading.vocabulary) + "\n").encode())
    if network.ngrams:
        np.save(partial / NGRAMS_FILE, network.ngrams.keys)
    manifest = _manifest(recipe, reading, network, graphs, _hashes(partial), libraries)
    _write_manifest(partial, manifest)
    measured = _measure_graphs(partial, graphs, reference, recipe.threshold)
    manifest = _manifest(recipe, reading, network, graphs, _hashes(partial), libraries)
    all_metrics = {"test": measured, **({"validation": held_out} if held_out else {})}
    _write_manifest(partial, manifest.model_copy(update={"metrics": all_metrics}))
    if path.exists():
        shutil.rmtree(path)
    os.replace(partial, path)
    shutil.rmtree(partial.parents[1])
    return Exported(measured, {precision: graph.metrics for precision, graph in graphs.items()})


def _write_manifest(path: Path, manifest: Manifest) -> None:
    (path / MANIFEST_FILE).write_text(json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n")


def _write_graphs(network: Graphs, path: Path) -> dict[str, GraphSpec]:
    """Writes each graph, with its logit, to a file."""
    specs = {}
    for precision, graph in network.by_precision.items():
        onnx.save(add_logit(graph, OUTPUT), path / f"{precision}.onnx")
        length = graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value or None
        specs[precision] = GraphSpec(file=f"{precision}.onnx", input_shape=(None, length), metrics={})
    return {"reference": specs["reference"], "float32": specs["reference"], **specs}


def _measure_graphs(path: Path, graphs: dict[str, GraphSpec], reference: Reference, threshold: float) -> dict[str, Any]:
    """Compares every graph with Keras and notes it in `graphs`; leaves out an 8-bit form that is not good enough.

    Returns:
        The metrics of the float32 graph.

    Raises:
        ExportError: an exact graph differs from Keras by more than `MAX_DIFFERENCE`.
    """
    measured: dict[str, Any] = {}
    exact: NDArray[np.float64] = np.empty(0)
    for precision in list(graphs):
        # Through the service's own reader, tokenizer and session, as a caller's text goes.
        predictor = Predictor.load(open_bundle(path), precision)
        answers = np.array([prediction.probability for prediction in predictor.predict(reference.texts)])
        difference = float(np.abs(answers[reference.exact] - reference.probabilities[reference.exact]).max())
        accuracy = float(((answers >= threshold) == reference.labels).mean())
        about = {"reviews": len(answers), "max_difference_to_keras": difference, "accuracy": accuracy}
        if precision == "int8":
            about["label_agreement"] = float(((answers >= threshold) == (exact >= threshold)).mean())
            if about["label_agreement"] < MIN_AGREEMENT or accuracy < measured["accuracy"] - MAX_ACCURACY_LOSS:
                logger.warning("The 8-bit form is left out, it is not good enough: %s", about)
                (path / graphs.pop(precision).file).unlink()
                continue
        elif not difference <= MAX_DIFFERENCE:  # also true of NaN
            raise ExportError(
                f"the {precision} graph, reading raw text, differs from Keras by up to {difference:.2g}; "
                f"{MAX_DIFFERENCE:g} is allowed."
            )
        else:
            exact, measured = answers, metrics(Answers(answers, reference.labels, reference.lengths), threshold)
            short = {
                name: metrics(_answers(predictor, texts), threshold) for name, texts in reference.short_texts.items()
            }
            measured |= {"short_texts": short} if short else {}
        graphs[precision] = graphs[precision].model_copy(update={"metrics": about})
    return measured


def _answers(predictor: Predictor, texts: LabelledTexts) -> Answers:
    probabilities = np.array([prediction.probability for prediction in predictor.predict(texts.texts)])
    lengths = np.array([len(text.token_ids) for text in predictor.encode(texts.texts)])
    return Answers(probabilities, texts.labels, lengths)


def _hashes(path: Path) -> dict[str, str]:
    files = sorted(file for file in path.iterdir() if file.name != MANIFEST_FILE)
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _manifest(
    recipe: Recipe,
    reading: Reading,
    network: Graphs,
    graphs: dict[str, GraphSpec],
    files: dict[str, str],
    libraries: dict[str, str],
) -> Manifest:
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=recipe.model_name,
        version=recipe.model_version,
        description=recipe.description,
        language=reading.language,
        tokenizer=reading.spec,
        input=InputSpec(
            name=INPUT, dtype="int32", maxlen=recipe.maxlen, padding=recipe.padding, truncating=recipe.truncating
        ),
        ngrams=_ngram_spec(network.ngrams),
        output=OutputSpec(name=OUTPUT, dtype="float32", logit=LOGIT),
        graphs=graphs,
        layers=network.layers,
        labels=LABELS,
        threshold=recipe.threshold,
        metrics={},
        recipe=recipe.as_dict(),
        seed=recipe.seed,
        libraries=libraries,
        files=files,
    )


def _ngram_spec(ngrams: Ngrams | None) -> NgramSpec | None:
    if ngrams is None:
        return None
    return NgramSpec(name=ngrams.name, file=NGRAMS_FILE, max_order=ngrams.max_order)
