"""The wide and deep kind of network, from reviews to graphs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from service.inference.ngrams import NgramTable
from training.evaluate import Answers, joined_answers, metrics
from training.graphs.convert import to_onnx
from training.graphs.describe import describe_layers
from training.graphs.writer import OUTPUT
from training.recipes import WideDeepRecipe
from training.trained import Graphs, History, Ngrams, Trained
from training.wide_deep.corpus import Corpus, Ints
from training.wide_deep.deep import batches_of_like_length, padded
from training.wide_deep.fit import (
    JoinedPaths,
    Paths,
    Texts,
    fit_paths,
    join,
    read_ids,
    whole_network,
)
from training.wide_deep.form import NGRAM_INPUT, float_form, quantized_form, read_network
from training.wide_deep.held_out import held_out_films, held_out_split, random_folds

CALIBRATION_TEXTS = 1_000
"""Training reviews that tell the 8-bit form how large each filter's answers become."""


@dataclass(frozen=True)
class ShortTexts:
    """Short texts out of the training reviews.

    Attributes:
        token_ids: of each, the start id first.
        labels: int64[n].
        reviews: the number of the review that each is from, int64[n].
    """

    token_ids: Texts
    labels: NDArray[np.int64]
    reviews: Ints


@dataclass(frozen=True)
class TrainingReviews:
    """The training reviews, and what a recipe asks of their data set.

    Attributes:
        token_ids: of each, object[n] of int lists.
        labels: int64[n].
        short: sets of short texts out of the reviews, on which what is held out is judged as well.
        films: an order of the reviews in which those of one label and film follow each other, if one is known.
    """

    token_ids: NDArray[np.object_]
    labels: NDArray[np.int64]
    short: Mapping[str, ShortTexts] = field(default_factory=dict)
    films: Ints | None = None

    def split(self, recipe: WideDeepRecipe) -> tuple[Ints, Ints]:
        """Select the reviews to fit and those to hold out."""
        if self.films is None:
            return held_out_split(recipe, self.labels)
        return held_out_films(recipe.validation_share, Corpus(self.token_ids), self.labels, self.films)


@dataclass(frozen=True)
class Judged:
    """What held-out reviews say: metrics, and the numbers that join the paths' scores, [scores + 1, 3]."""

    metrics: dict[str, Any]
    joining: NDArray[np.float64]


def judge_wide_deep(recipe: WideDeepRecipe, reviews: TrainingReviews) -> Judged:
    """Fit both paths on a part of the training reviews, and judge them by the rest."""
    fitted, held_out = reviews.split(recipe)
    print(f"Fitting {len(fitted):,} reviews; {len(held_out):,} others judge them and tell how to join the paths")
    paths = fit_paths(recipe, reviews.token_ids[fitted], reviews.labels[fitted])
    numbers = join(paths, reviews.token_ids[held_out], reviews.labels[held_out])
    return Judged(_measured(recipe, _held_out_answers(paths, reviews, held_out)), numbers)


def cross_validate(recipe: WideDeepRecipe, reviews: TrainingReviews, folds: int) -> dict[str, Any]:
    """Measure all training reviews, each judged by paths fitted on the other folds.

    The folds are random: reviews of a film stand in several of them.

    Args:
        recipe: all choices.
        reviews: to fit and to judge by.
        folds: that they are parted into, at least 2.
    """
    judged: list[dict[str, Answers]] = []
    for number, held_out in enumerate(random_folds(reviews.labels, folds), start=1):
        fitted = np.setdiff1d(np.arange(len(reviews.labels)), held_out)
        print(f"Fold {number} of {folds}: fitting {len(fitted):,} reviews; {len(held_out):,} others judge them")
        paths = fit_paths(recipe, reviews.token_ids[fitted], reviews.labels[fitted])
        judged.append(_held_out_answers(paths, reviews, held_out))
    return _measured(recipe, {name: joined_answers([fold[name] for fold in judged]) for name in judged[0]})


def train_wide_deep(recipe: WideDeepRecipe, reviews: TrainingReviews, run_dir: Path) -> Trained:
    """Judge the recipe by held-out reviews, then fit both paths on all, joined as those have told.

    Args:
        recipe: all choices.
        reviews: to fit.
        run_dir: gets the model; one that is there already is not fitted again.
    """
    model_file, keys_file, record_file = run_dir / "model.keras", run_dir / "ngrams.npy", run_dir / "fitted.json"
    if not record_file.exists():
        judged = judge_wide_deep(recipe, reviews)
        print(f"Held-out accuracy {judged.metrics['accuracy']:.4f}; fitting all {len(reviews.labels):,} reviews")
        paths = fit_paths(recipe, reviews.token_ids, reviews.labels)
        model, keys = whole_network(JoinedPaths(paths, judged.joining))
        model.save(model_file)
        np.save(keys_file, keys)
        record = {"history": paths.history, "held_out": judged.metrics, "joining": judged.joining.tolist()}
        record_file.write_text(json.dumps(record, indent=1) + "\n")
    model, keys = keras.models.load_model(model_file), np.load(keys_file)
    record = json.loads(record_file.read_text())
    history: History = record["history"]
    graphs = wide_deep_graphs(model, keys, recipe, reviews.token_ids)
    table = NgramTable(keys, recipe.max_order, recipe.num_words)

    return Trained(graphs, lambda ids: network_probabilities(model, table, recipe, ids), history, record["held_out"])


def network_probabilities(
    model: keras.Model, table: NgramTable, recipe: WideDeepRecipe, texts: Sequence[Ints] | NDArray[np.object_]
) -> NDArray[np.float32]:
    """Compute Keras's probabilities of texts, float32[n], in order."""
    read = read_ids(recipe, texts)
    probabilities = np.zeros(len(read), np.float32)
    for rows in batches_of_like_length(read, recipe.ids_per_batch):
        batch = padded([read[row] for row in rows])
        probabilities[rows] = np.asarray(model([batch, table.look_up(batch)], training=False))[:, 0]
    return probabilities


def wide_deep_graphs(model: keras.Model, keys: Ints, recipe: WideDeepRecipe, reviews: Texts) -> Graphs:
    """Make the graphs of a whole network.

    Args:
        model: as `whole_network` makes it.
        keys: of its n-grams.
        recipe: which it was trained by.
        reviews: of the training data, for the 8-bit form to be calibrated on.
    """
    some = np.random.default_rng(recipe.seed).permutation(len(reviews))[:CALIBRATION_TEXTS]
    texts = read_ids(recipe, [reviews[row] for row in some])
    batches = [padded([texts[row] for row in rows]) for rows in batches_of_like_length(texts, recipe.ids_per_batch)]
    network = read_network(model, recipe.maxlen)
    graphs = {
        "reference": to_onnx(model, OUTPUT),
        "float32": float_form(network),
        "int8": quantized_form(network, batches),
    }
    ngrams = Ngrams(NGRAM_INPUT, keys, recipe.max_order)
    return Graphs(graphs, describe_layers(model, recipe.maxlen), ngrams)


def _held_out_answers(paths: Paths, reviews: TrainingReviews, held_out: Ints) -> dict[str, Answers]:
    """Answer for held-out reviews, under "", and for short texts out of them, under the names of the sets.

    The paths are joined anew for each half of the reviews by what the other half says: no text is judged by numbers
    that it had a part in.
    """
    token_ids, labels = reviews.token_ids, reviews.labels
    half_of = np.random.default_rng(paths.recipe.seed).permutation(len(labels)) % 2
    half_of[np.setdiff1d(np.arange(len(labels)), held_out)] = -1
    networks = {}
    for half in (0, 1):
        others = np.flatnonzero(half_of == 1 - half)
        networks[half] = JoinedPaths(paths, join(paths, token_ids[others], labels[others]))
    whole = ShortTexts(token_ids[held_out], labels[held_out], held_out)
    return {name: _answers(networks, texts, half_of) for name, texts in {"": whole, **reviews.short}.items()}


def _measured(recipe: WideDeepRecipe, answers: Mapping[str, Answers]) -> dict[str, Any]:
    """Measure what `_held_out_answers` gives."""
    measured = {name: metrics(said, recipe.threshold) for name, said in answers.items()}
    return {**measured.pop(""), **({"short_texts": measured} if measured else {})}


def _answers(networks: Mapping[int, JoinedPaths], texts: ShortTexts, half_of: Ints) -> Answers:
    """Answer for held-out texts by the network that the other half joined."""
    halves = half_of[texts.reviews]
    logits = np.zeros(len(halves))
    for half, network in networks.items():
        rows = np.flatnonzero(halves == half)
        logits[rows] = network.logits([texts.token_ids[row] for row in rows.tolist()])
    held_out = halves >= 0
    lengths = np.array([len(token_ids) for token_ids in texts.token_ids])
    return Answers(expit(logits[held_out]), texts.labels[held_out], lengths[held_out])
