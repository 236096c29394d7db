"""The network that is taught by labels, ratings and a teacher, from texts to graphs."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from training.data.data_set import Reviews
from training.errors import DataError
from training.evaluate import Answers, metrics
from training.rated.answers import ANSWERS_FILE, read_answers
from training.rated.lessons import labelled_texts, rated_texts
from training.rated.models import fit_models, told_reviews
from training.rated.sources import read_sources
from training.recipes import RatedRecipe
from training.trained import History, Trained
from training.wide_deep.corpus import Corpus
from training.wide_deep.fit import Phase, train_student
from training.wide_deep.graphs import trained_network
from training.wide_deep.held_out import held_out_split
from training.wide_deep.joined import (
    Parts,
    WorthIn,
    fit_numbers,
    joined_logits,
    joined_network,
    with_what_is_left_out,
)
from training.wide_deep.texts import Ints, Texts, read_lengths, together, weighted
from training.wide_deep.wide import Wide, most_telling
from training.wide_deep.word_vectors import word_vectors

NUMBERS_FILE = "numbers.npy"
"""Numbers that held-out reviews tell: how network and models are joined."""


@dataclass(frozen=True)
class Material:
    """Hold the texts as the network reads them, with what is known of each.

    Attributes:
        texts: labelled reviews with their targets.
        labels: of the labelled reviews, int64[n].
        rated: reviews with ratings, with their targets; None without any.
        ratings: of those, int64[n].
        fitted, held_out: numbers of labelled reviews.
        unlike: numbers of rated reviews that say the same as no review held out.
    """

    texts: Texts
    labels: Ints
    fitted: Ints
    held_out: Ints
    rated: Texts | None = None
    ratings: Ints | None = None
    unlike: Ints | None = None

    def without_held_out(self) -> "Material":
        """Leave out what is held out."""
        some = Material(self.texts.some(self.fitted), self.labels[self.fitted], self.fitted, self.held_out)
        if self.rated is None or self.ratings is None or self.unlike is None:
            return some
        return replace(some, rated=self.rated.some(self.unlike), ratings=self.ratings[self.unlike])


def gather(recipe: RatedRecipe, data: Reviews, data_dir: Path | None) -> Material:
    """Read what the network learns from.

    Args:
        recipe: what counts for how much.
        data: the labelled reviews, read by the recipe's data set.
        data_dir: folder with the reviews that have ratings.

    Raises:
        DataError: a file is missing or damaged, or the answers are about other texts.
    """
    token_ids, labels = [np.asarray(ids, np.int64) for ids in data.train[0]], data.train[1]
    if not recipe.rated_weight:
        return Material(weighted(token_ids, labels, 1.0), labels, *held_out_split(recipe.validation_share, len(labels)))
    if data_dir is None or recipe.max_reviews:
        raise DataError(f"The recipe {recipe.name} needs whole files; korean-standard takes labelled reviews alone.")
    sources = read_sources(data_dir, recipe.validation_share)
    logits = read_answers(sources.digest, ANSWERS_FILE).logits
    of_labelled, of_rated = np.split(logits, [len(labels)])
    return Material(
        texts=labelled_texts(recipe, token_ids, labels, of_labelled),
        labels=labels,
        fitted=sources.fitted,
        held_out=sources.held_out,
        rated=rated_texts(recipe, data.encode(sources.rated.texts), sources.rated.ratings, of_rated),
        ratings=sources.rated.ratings,
        unlike=sources.unlike,
    )


def fit_parts(recipe: RatedRecipe, material: Material, run_dir: Path) -> tuple[Parts, History]:
    """Fit the models of n-grams and train the network; what is in the folder already is not done again.

    Args:
        recipe: all choices.
        material: to learn from.
        run_dir: keeps models, n-grams and network.

    Returns:
        The parts to join, and the history of the network's training.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    parts = [material.texts] if material.rated is None else [material.texts, material.rated]
    keys_file, vectors_file, models_file = (run_dir / name for name in ("ngrams.npy", "vectors.npy", "models.npz"))
    if not models_file.exists():
        rated = [] if material.rated is None else material.rated.token_ids
        told = told_reviews(material.texts.token_ids, material.labels, rated, material.ratings, recipe.seed)
        models, counts = fit_models(recipe, told)
        kept = models.features.kept(most_telling(models.weights[:, :1], counts, models.features, recipe))
        np.save(keys_file, kept.ngrams)
        models.save(models_file)
    if not vectors_file.exists():
        corpus = Corpus([ids for part in parts for ids in part.token_ids])
        vectors = word_vectors(corpus, recipe.num_words, recipe.embedding_dim, recipe.vector_window, recipe.seed)
        np.save(vectors_file, vectors)
    keys, texts = np.load(keys_file), together(parts)
    phases = (Phase(recipe.epochs, recipe.learning_rate),)
    model, history = train_student(recipe, phases, lambda _: texts, keys, np.load(vectors_file), run_dir)
    return Parts(recipe, model, keys, Wide.load(models_file)), history


def judge_rated(recipe: RatedRecipe, material: Material, run_dir: Path) -> dict[str, Any]:
    """Judge the recipe by held-out reviews: their metrics.

    No review is judged by numbers that it had a part in: those of each half come from the other. The numbers of all of
    them, which the final network is joined by, are kept in the folder.

    Args:
        recipe: all choices.
        material: everything.
        run_dir: keeps each stage.
    """
    fitted = material.without_held_out()
    parts, _ = fit_parts(recipe, fitted, run_dir)
    worth_in = [WorthIn(Corpus(fitted.texts.token_ids), 0.0)]
    judged, labels = material.texts.some(material.held_out), material.labels[material.held_out]
    terms = parts.terms(judged.token_ids)

    def numbers(rows: Ints) -> NDArray[np.float64]:
        told, ones = labels[rows].astype(np.float64), np.ones(len(rows))
        fit = fit_numbers(terms[rows], told, ones)
        return with_what_is_left_out(parts, fit, worth_in, judged.some(rows).token_ids, terms[rows])

    np.save(run_dir / NUMBERS_FILE, numbers(np.arange(len(labels))))
    half_of = np.random.default_rng(recipe.seed).permutation(len(labels)) % 2
    logits = np.zeros(len(labels))
    for half in (0, 1):
        others, own = np.flatnonzero(half_of != half), np.flatnonzero(half_of == half)
        network, keys = joined_network(parts, numbers(others), worth_in)
        logits[own] = joined_logits(recipe, network, keys, judged.some(own).token_ids)
    return metrics(Answers(expit(logits), labels, read_lengths(recipe, judged.token_ids)), recipe.threshold)


def train_rated(recipe: RatedRecipe, material: Material, run_dir: Path) -> Trained:
    """Judge the recipe by what it holds out, then train the network on everything and make its graphs.

    Args:
        recipe: all choices.
        material: everything.
        run_dir: keeps what each stage gives.
    """
    judged, held_out_dir = run_dir / "held_out.json", run_dir / "held_out"
    if not judged.exists():
        judged.write_text(json.dumps(judge_rated(recipe, material, held_out_dir), indent=1) + "\n")
    parts, history = fit_parts(recipe, material, run_dir)
    worth_in = [WorthIn(Corpus(material.texts.token_ids), 0.0)]
    model, keys = joined_network(parts, np.load(held_out_dir / NUMBERS_FILE), worth_in)
    return trained_network(recipe, model, keys, material.texts.token_ids, history, json.loads(judged.read_text()))
