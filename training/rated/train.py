"""The network that is taught by labels, ratings and a teacher, from texts to graphs."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from service.inference.ngrams import NgramTable
from training.data.data_set import Reviews
from training.errors import DataError
from training.evaluate import Answers, metrics
from training.rated.answers import ANSWERS_FILE, read_answers
from training.rated.lessons import chosen_by, labelled_texts, rated_texts
from training.rated.sources import read_sources
from training.recipes import RatedRecipe
from training.trained import History, Trained
from training.wide_deep.corpus import Corpus
from training.wide_deep.fit import Phase, train_student
from training.wide_deep.graphs import network_probabilities, wide_deep_graphs
from training.wide_deep.held_out import held_out_split
from training.wide_deep.ngrams import choose_ngrams
from training.wide_deep.student import ngram_table, whole_network
from training.wide_deep.texts import Ints, Texts, read_lengths, together, weighted
from training.wide_deep.word_vectors import word_vectors


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


@dataclass(frozen=True)
class Student:
    """Hold the trained network.

    Attributes:
        recipe: all choices.
        model: token ids and n-gram ids to a logit.
        keys: of its n-grams, int64[n], rising.
        history: of its training.
    """

    recipe: RatedRecipe
    model: keras.Model
    keys: Ints
    history: History

    @property
    def table(self) -> NgramTable:
        """The n-grams."""
        return NgramTable(self.keys, self.recipe.max_order, self.recipe.num_words)


def train_on(recipe: RatedRecipe, material: Material, run_dir: Path) -> Student:
    """Train the network; what is in the folder already is not done again.

    Args:
        recipe: all choices.
        material: to learn from.
        run_dir: keeps n-grams and network.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    parts = [material.texts] if material.rated is None else [material.texts, material.rated]
    keys_file, vectors_file = run_dir / "ngrams.npy", run_dir / "vectors.npy"
    if not vectors_file.exists():
        chosen = [weighted(material.texts.token_ids, material.labels, 1.0)]
        if material.rated is not None and material.ratings is not None:
            chosen.append(chosen_by(material.rated.token_ids, material.ratings, recipe.seed))
        np.save(keys_file, choose_ngrams(recipe, together(chosen)))
        corpus = Corpus([ids for part in parts for ids in part.token_ids])
        vectors = word_vectors(corpus, recipe.num_words, recipe.embedding_dim, recipe.vector_window, recipe.seed)
        np.save(vectors_file, vectors)
    keys, texts = np.load(keys_file), together(parts)
    phases = (Phase(recipe.epochs, recipe.learning_rate),)
    model, history = train_student(recipe, phases, lambda _: texts, keys, np.load(vectors_file), run_dir)
    return Student(recipe, model, keys, history)


def judge_rated(recipe: RatedRecipe, material: Material, run_dir: Path) -> dict[str, Any]:
    """Judge the recipe by held-out reviews: their metrics.

    Args:
        recipe: all choices.
        material: everything.
        run_dir: keeps each stage.
    """
    student = train_on(recipe, material.without_held_out(), run_dir)
    token_ids = [material.texts.token_ids[row] for row in material.held_out.tolist()]
    logits = network_probabilities(student.model, student.table, recipe, token_ids)  # this network ends in logits
    answers = Answers(expit(logits), material.labels[material.held_out], read_lengths(recipe, token_ids))
    return metrics(answers, recipe.threshold)


def train_rated(recipe: RatedRecipe, material: Material, run_dir: Path) -> Trained:
    """Judge the recipe by what it holds out, then train the network on everything and make its graphs.

    Args:
        recipe: all choices.
        material: everything.
        run_dir: keeps what each stage gives.
    """
    judged = run_dir / "held_out.json"
    if not judged.exists():
        judged.write_text(json.dumps(judge_rated(recipe, material, run_dir / "held_out"), indent=1) + "\n")
    student = train_on(recipe, material, run_dir)
    by_length = np.asarray(student.model.get_layer("learnt_join").get_weights()[0], np.float64)
    model = whole_network(recipe, student.model, ngram_table(student.model), by_length)
    graphs = wide_deep_graphs(model, student.keys, recipe, material.texts.token_ids)

    def predict(token_ids: NDArray[np.object_]) -> NDArray[np.float32]:
        return network_probabilities(model, student.table, recipe, token_ids)

    return Trained(graphs, predict, student.history, json.loads(judged.read_text()))
