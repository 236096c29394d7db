"""Write a bundle: ONNX graphs, reopened as the service reads them and compared with the trained network."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from service.inference.bundle import Bundle, open_bundle
from service.inference.manifest import (
    MANIFEST_FILE,
    SCHEMA_VERSION,
    GraphSpec,
    InputSpec,
    Manifest,
    NgramSpec,
    OutputSpec,
)
from service.inference.predictor import Predictor
from service.replacement import replace_file
from training.data.data_set import TokenizerConfig
from training.data.short_texts import LabelledTexts
from training.errors import ExportError
from training.evaluate import Answers, metrics
from training.graphs.logit_output import LOGIT, add_logit
from training.graphs.writer import INPUT, OUTPUT
from training.histograms import MIN_TEXTS, text_histograms
from training.recipes import LABELS, BundleRecipe
from training.trained import Graphs, Ngrams

MAX_DIFFERENCE = 1e-5
"""Largest |Δp| between the trained network and an exact graph that passes."""
MIN_AGREEMENT, MAX_ACCURACY_LOSS = 0.995, 0.001
"""Least share of equal labels in 8 bits and float32, and largest loss of accuracy, for a bundle to have 8 bits."""

TEST_TEXTS = "test texts of its training run"
"""Source of the reference histograms."""

logger = logging.getLogger(__name__)

NGRAMS_FILE = "ngrams.npy"


@dataclass(frozen=True)
class Reference:
    """Hold labelled test reviews and the answers of the trained network, which the exported model has to repeat.

    Attributes:
        probabilities: answers of the trained network, float32[n].
        texts: the same reviews as text.
        labels: 1 = positive, int64[n].
        lengths: token ids of each review before any cut, int64[n].
        exact: positions of the reviews whose text the service turns into the ids that the network was given.
        short_texts: sentences from them by the name of the set, on which the finished bundle is measured as well.
    """

    probabilities: NDArray[np.float32]
    texts: list[str]
    labels: NDArray[np.int64]
    lengths: NDArray[np.int64]
    exact: list[int]
    short_texts: dict[str, LabelledTexts] = field(default_factory=dict)


@dataclass(frozen=True)
class Exported:
    """Hold what exporting measured: quality as served in float32, and the figures of each graph by precision."""

    metrics: dict[str, Any]
    graphs: dict[str, dict[str, Any]]


def write_bundle(
    network: Graphs,
    recipe: BundleRecipe,
    tokenizer_config: TokenizerConfig,
    reference: Reference,
    libraries: dict[str, str],
    path: Path,
    held_out: dict[str, Any] | None = None,
    labels: tuple[str, str] = LABELS,
) -> Exported:
    """Export the model as the bundle `path`, which appears whole and checked, or not at all.

    Its metrics are those of the finished bundle in float32, which reads the texts as the service will.

    Args:
        network: trained.
        recipe: that it was trained by.
        tokenizer_config: how text becomes token ids.
        reference: test reviews that every graph has to answer as the network does.
        libraries: versions, for the manifest.
        path: folder of the bundle, `<name>/<version>`.
        held_out: metrics on training reviews that were held out, for the manifest.
        labels: names of the classes 0 and 1.

    Raises:
        ExportError: the exported model differs from the network.
    """
    partial = path.parent / f".{path.name}.partial" / recipe.model_name / str(recipe.model_version)
    shutil.rmtree(partial.parents[1], ignore_errors=True)
    partial.mkdir(parents=True)
    graphs = _write_graphs(network, partial)
    (partial / tokenizer_config.spec.vocabulary).write_bytes(("\n".join(tokenizer_config.vocabulary) + "\n").encode())
    if network.ngrams:
        np.save(partial / NGRAMS_FILE, network.ngrams.keys)
    manifest = _manifest(recipe, tokenizer_config, network, graphs, _hashes(partial), libraries, labels)
    _write_manifest(partial, manifest)
    measured = _measure_graphs(partial, graphs, reference, recipe.threshold)
    manifest = _manifest(recipe, tokenizer_config, network, graphs, _hashes(partial), libraries, labels)
    all_metrics = {"test": measured, **({"validation": held_out} if held_out else {})}
    manifest = manifest.model_copy(update={"metrics": all_metrics})
    _write_manifest(partial, manifest)
    histograms = text_histograms(Predictor.load(open_bundle(partial), "float32"), reference.texts, TEST_TEXTS)
    _write_manifest(partial, manifest.model_copy(update={"histograms": histograms}))
    if path.exists():
        shutil.rmtree(path)
    os.replace(partial, path)
    shutil.rmtree(partial.parents[1])
    return Exported(measured, {precision: graph.metrics for precision, graph in graphs.items()})


def add_histograms(path: Path, texts: Sequence[str], source: str) -> Bundle:
    """Write the reference histograms of held-out texts into the manifest of a finished bundle.

    Args:
        path: folder of the bundle.
        texts: that it was not trained on.
        source: the texts, in a few words.

    Raises:
        BundleError: the bundle is damaged.
        ExportError: there are too few texts.
    """
    bundle = open_bundle(path)
    histograms = text_histograms(Predictor.load(bundle, "float32"), texts, source)
    if histograms is None:
        raise ExportError(f"{len(texts):,} texts are too few for histograms; {MIN_TEXTS:,} are enough.")
    manifest = bundle.manifest.model_copy(update={"histograms": histograms})
    replace_file(path / MANIFEST_FILE, _manifest_content(manifest))
    return open_bundle(path)


def _write_manifest(path: Path, manifest: Manifest) -> None:
    (path / MANIFEST_FILE).write_bytes(_manifest_content(manifest))


def _manifest_content(manifest: Manifest) -> bytes:
    return (json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n").encode()


def _write_graphs(network: Graphs, path: Path) -> dict[str, GraphSpec]:
    """Write each graph, with its logit, to a file."""
    specs = {}
    for precision, graph in network.by_precision.items():
        onnx.save(add_logit(graph, OUTPUT), path / f"{precision}.onnx")
        length = graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value or None
        specs[precision] = GraphSpec(file=f"{precision}.onnx", input_shape=(None, length), metrics={})
    return {"reference": specs["reference"], "float32": specs["reference"], **specs}


def _measure_graphs(path: Path, graphs: dict[str, GraphSpec], reference: Reference, threshold: float) -> dict[str, Any]:
    """Compare every graph with the network and note it in `graphs`; leave out an 8-bit form that is not good enough.

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
    recipe: BundleRecipe,
    tokenizer_config: TokenizerConfig,
    network: Graphs,
    graphs: dict[str, GraphSpec],
    files: dict[str, str],
    libraries: dict[str, str],
    labels: tuple[str, str],
) -> Manifest:
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=recipe.model_name,
        version=recipe.model_version,
        description=recipe.description,
        language=tokenizer_config.language,
        tokenizer=tokenizer_config.spec,
        input=InputSpec(
            name=INPUT, dtype="int32", maxlen=recipe.maxlen, padding=recipe.padding, truncating=recipe.truncating
        ),
        ngrams=_ngram_spec(network.ngrams),
        output=OutputSpec(name=OUTPUT, dtype="float32", logit=LOGIT),
        graphs=graphs,
        layers=network.layers,
        labels=labels,
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
