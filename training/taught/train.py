"""The taught network from sources to graphs, stage by stage; each stage's result is kept in the folder of the run."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from service.inference.tokenizers import START_ID
from service.inference.tokenizers.keras_imdb import KerasImdbTokenizer
from training.data.short_texts import LabelledTexts, short_texts
from training.evaluate import Answers, metrics
from training.recipes import TaughtRecipe
from training.taught.answers import ANSWERS_FILE, TeacherAnswers, check_answers, read_answers
from training.taught.lessons import Lessons, phrase_targets, run_targets, treebank_texts
from training.taught.questions import Questions, list_questions
from training.taught.review_teachers import ReviewTeacher, fit_review_models, join_review_teacher, run_scores
from training.taught.sources import Sources, english_words, read_sources, token_ids
from training.trained import History, Trained
from training.wide_deep.corpus import Corpus, random_crops
from training.wide_deep.fit import Phase, train_student
from training.wide_deep.graphs import trained_network
from training.wide_deep.joined import (
    Parts,
    WorthIn,
    fit_numbers,
    joined_logits,
    joined_network,
    with_what_is_left_out,
)
from training.wide_deep.ngrams import choose_ngrams
from training.wide_deep.texts import Ints, together, weighted
from training.wide_deep.wide import Wide

JOINING_FILE, NUMBERS_FILE = "joining.npy", "numbers.npy"
"""What held-out reviews tell: how the teachers of whole reviews are joined, and how these and the network are."""
PHRASES_LENGTH, REVIEWS_LENGTH = 0.0, 2.0
"""Logarithms of the length over the usual one, at which an n-gram's worth is told: of a short text, of a review."""


@dataclass(frozen=True)
class Material:
    """Sources as the network reads them, and what the transformer says.

    Attributes:
        sources: texts.
        tokenizer: of the network.
        reviews: token ids of the labelled reviews.
        unlabelled: token ids of the reviews without labels.
        questions: texts that the transformer labelled.
        answers: what it says of them.
    """

    sources: Sources
    tokenizer: KerasImdbTokenizer
    reviews: list[Ints]
    unlabelled: list[Ints]
    questions: Questions
    answers: TeacherAnswers

    def encode(self, texts: Sequence[str]) -> list[Ints]:
        """Read texts as the network does."""
        return token_ids(self.tokenizer, texts)

    @property
    def logits(self) -> list[NDArray[np.float16]]:
        """Logits of the transformer: of runs without labels, held-out runs, phrases, variants, and clauses."""
        asked = self.questions
        parts = (asked.unlabelled.texts, asked.held_out.texts, asked.phrases, asked.variants)
        return np.split(self.answers.logits, np.cumsum([len(part) for part in parts]))


def gather(recipe: TaughtRecipe, imdb_dir: Path, sst_dir: Path, answers_file: Path = ANSWERS_FILE) -> Material:
    """Read the sources and the transformer's answers.

    Raises:
        DataError: a file is missing or damaged, or the answers are about other texts.
    """
    words, tokenizer = english_words(imdb_dir, recipe.num_words)
    sources = read_sources(imdb_dir, sst_dir, recipe.validation_share, tokenizer)
    answers = read_answers(answers_file)
    questions = list_questions(sources, words, answers.ngrams, recipe.num_words)
    check_answers(answers, questions.digest)
    return Material(
        sources=sources,
        tokenizer=tokenizer,
        reviews=token_ids(tokenizer, sources.reviews.texts),
        unlabelled=token_ids(tokenizer, sources.unlabelled),
        questions=questions,
        answers=answers,
    )


def review_models(recipe: TaughtRecipe, material: Material, rows: Ints, run_dir: Path) -> Wide:
    """Fit the models of whole reviews on the labelled reviews of these numbers; the run's folder keeps them."""
    path = run_dir / "review_models.npz"
    if not path.exists():
        labels = material.sources.reviews.labels[rows]
        fit_review_models(recipe, [material.reviews[row] for row in rows], labels).save(path)
    return Wide.load(path)


def join_teachers(recipe: TaughtRecipe, material: Material, run_dir: Path) -> ReviewTeacher:
    """Fit the models of whole reviews on the fitted reviews and join them by the held-out ones.

    Args:
        recipe: all choices.
        material: everything.
        run_dir: keeps the numbers that join them.
    """
    fitted, held_out = material.sources.fitted, material.sources.held_out
    labels = material.sources.reviews.labels
    models = review_models(recipe, material, fitted, run_dir)
    judged = [material.reviews[row] for row in held_out]
    transformer = run_scores(material.questions.held_out, material.logits[1], len(held_out))
    teacher = join_review_teacher(recipe, models, judged, transformer, labels[held_out])
    right = (teacher.probabilities(judged, transformer) >= recipe.threshold) == labels[held_out]
    print(f"Teachers of whole reviews: right on {right.mean():.4f} of the held-out reviews, which joined them")
    np.save(run_dir / JOINING_FILE, teacher.numbers)
    return teacher


def soft_labels(recipe: TaughtRecipe, material: Material, rows: Ints, run_dir: Path) -> NDArray[np.float64]:
    """Label the reviews without labels by the teachers of whole reviews, float64[n].

    Args:
        recipe: all choices.
        material: everything.
        rows: numbers of the labelled reviews that the models are fitted on.
        run_dir: keeps the labels; has the numbers that join the teachers if they are fitted on held-out reviews too.
    """
    path, joining = run_dir / "soft_labels.npy", run_dir / JOINING_FILE
    if not path.exists():
        if joining.exists():
            teacher = ReviewTeacher(recipe, review_models(recipe, material, rows, run_dir), np.load(joining))
        else:
            teacher = join_teachers(recipe, material, run_dir)
        transformer = run_scores(material.questions.unlabelled, material.logits[0], len(material.unlabelled))
        np.save(path, teacher.probabilities(material.unlabelled, transformer))
    return np.asarray(np.load(path), np.float64)


def prepare(recipe: TaughtRecipe, material: Material, rows: Ints, soft: NDArray[np.float64]) -> Lessons:
    """Put the lessons together.

    Args:
        recipe: what counts for how much.
        material: everything.
        rows: numbers of the labelled reviews to learn from.
        soft: probabilities of the reviews without labels.
    """
    labels = material.sources.reviews.labels
    opinions, neutral = treebank_texts(recipe, material.sources.phrases, material.encode)
    sentences = material.sources.sentences
    roots = material.encode([text for text, _ in sentences])
    copies = [weighted(roots, np.array([label for _, label in sentences]), recipe.phrase_weight)]
    asked = material.questions
    of_runs, _, of_phrases, of_variants, of_clauses = material.logits
    runs = weighted(material.encode(asked.unlabelled.texts), run_targets(of_runs), recipe.run_weight)
    phrases = weighted(material.encode(asked.phrases), phrase_targets(of_phrases), recipe.word_weight)
    variants = weighted(material.encode(asked.variants), run_targets(of_variants), recipe.variant_weight)
    clauses = weighted(material.encode(asked.clauses), run_targets(of_clauses), recipe.run_weight)
    return Lessons(
        recipe=recipe,
        reviews=weighted([material.reviews[row] for row in rows], labels[rows], recipe.review_weight),
        soft_reviews=weighted(material.unlabelled, soft, recipe.soft_review_weight),
        opinions=together([opinions, *copies * recipe.sentence_copies]),
        neutral=neutral,
        answered=together([runs, phrases, variants, clauses]),
    )


def fit_parts(recipe: TaughtRecipe, material: Material, rows: Ints, run_dir: Path) -> tuple[Parts, History]:
    """Train the network on the labelled reviews of these numbers and on everything else, and fit the models of reviews.

    Returns:
        The parts to join, and the history of the network's training.
    """
    soft = soft_labels(recipe, material, rows, run_dir)
    lessons = prepare(recipe, material, rows, soft)
    keys_file = run_dir / "ngrams.npy"
    if not keys_file.exists():
        np.save(keys_file, choose_ngrams(recipe, lessons.by_people(0)))
    keys = np.load(keys_file)
    vectors = material.answers.vectors.astype(np.float32)
    phases = (Phase(recipe.epochs, recipe.learning_rate), Phase(recipe.short_epochs, recipe.short_rate))
    student, history = train_student(recipe, phases, lessons.epoch, keys, vectors, run_dir)
    return Parts(recipe, student, keys, review_models(recipe, material, rows, run_dir)), history


def judge_taught(recipe: TaughtRecipe, material: Material, run_dir: Path) -> dict[str, Any]:
    """Judge the recipe by held-out films and by the development sentences of the treebank.

    No review and no sentence is judged by numbers that it had a part in: those of each half come from the other. The
    numbers of all of them, which the final network is joined by, are kept in the folder of the run.

    Returns:
        Metrics of whole reviews; under `short_texts` those of short texts.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    sources, rows = material.sources, material.sources.held_out
    parts, _ = fit_parts(recipe, material, sources.fitted, run_dir)
    told, texts = joining_texts(recipe, material, parts), [sources.reviews.texts[row] for row in rows]
    worth_in, judged = worth_of(material, sources.fitted), len(rows) + len(sources.development)

    def numbers(some: NDArray[np.bool_]) -> NDArray[np.float64]:
        used = np.flatnonzero(some[told.origins])
        fit = fit_numbers(told.terms[used], told.targets[used], told.weights[used])
        return with_what_is_left_out(parts, fit, worth_in, [told.token_ids[row] for row in used], told.terms[used])

    np.save(run_dir / NUMBERS_FILE, numbers(np.ones(judged, np.bool_)))
    half_of = np.random.default_rng(recipe.seed).permutation(judged) % 2
    networks = [joined_network(parts, numbers(half_of != half), worth_in) for half in (0, 1)]
    labels = sources.reviews.labels[rows]
    sets = {"": LabelledTexts(texts, labels, np.arange(len(rows))), **short_texts(texts, labels)}
    sentences, signs = zip(*sources.development, strict=True)
    sets["treebank"] = LabelledTexts(list(sentences), np.array(signs), np.arange(len(rows), judged))
    measured = {}
    for name, some in sets.items():
        ids, logits = material.encode(some.texts), np.zeros(len(some.texts))
        for half, (network, keys) in enumerate(networks):
            own = np.flatnonzero(half_of[some.reviews] == half)
            logits[own] = joined_logits(recipe, network, keys, [ids[row] for row in own])
        answers = Answers(expit(logits), some.labels, np.array([len(text) for text in ids]))
        measured[name] = metrics(answers, recipe.threshold)
    return {**measured.pop(""), "short_texts": measured}


def worth_of(material: Material, rows: Ints) -> tuple[WorthIn, WorthIn]:
    """Select the texts that tell which n-grams are kept: phrases, and the labelled reviews of these numbers."""
    phrases = Corpus(material.encode(list(material.sources.phrases)))
    reviews = Corpus([material.reviews[row] for row in rows])
    return WorthIn(phrases, PHRASES_LENGTH), WorthIn(reviews, REVIEWS_LENGTH)


@dataclass(frozen=True)
class JoiningTexts:
    """The texts that tell how the parts are joined.

    Attributes:
        token_ids: of each.
        terms: as `Parts.terms` gives them.
        targets: probabilities of positive.
        weights: of each text.
        origins: place of each text's review among the held-out ones; development sentences follow, as one each.
    """

    token_ids: list[Ints]
    terms: NDArray[np.float64]
    targets: NDArray[np.float64]
    weights: NDArray[np.float64]
    origins: Ints


def joining_texts(recipe: TaughtRecipe, material: Material, parts: Parts) -> JoiningTexts:
    """Put together texts that neither network nor teachers learnt from, with what they are to be called.

    Held-out reviews and long crops of them have the review's label, runs of their sentences the transformer's answer,
    development sentences of the treebank their label.
    """
    sources, runs = material.sources, material.questions.held_out
    reviews, labels = [material.reviews[row] for row in sources.held_out], sources.reviews.labels[sources.held_out]
    corpus = Corpus(reviews)
    crops = random_crops(corpus, *recipe.joined_crops, recipe.joined_crop_words, np.random.default_rng(recipe.seed))
    cut = [np.concatenate([[START_ID], part]) for part in corpus.cut(crops.begins, crops.lengths)]
    sentences, signs = zip(*sources.development, strict=True)
    token_ids = [*reviews, *cut, *material.encode(runs.texts), *material.encode(sentences)]
    weights = (
        (recipe.joined_review_weight, len(reviews)),
        (recipe.joined_crop_weight, len(cut)),
        (recipe.joined_run_weight, len(runs.texts)),
        (recipe.joined_sentence_weight, len(sentences)),
    )
    return JoiningTexts(
        token_ids=token_ids,
        terms=parts.terms(token_ids),
        targets=np.concatenate([labels, labels[crops.texts], run_targets(material.logits[1]), signs]),
        weights=np.concatenate([np.full(count, weight) for weight, count in weights]),
        origins=np.concatenate(
            [np.arange(len(reviews)), crops.texts, runs.reviews, len(reviews) + np.arange(len(sentences))]
        ),
    )


def train_taught(recipe: TaughtRecipe, material: Material, run_dir: Path) -> Trained:
    """Judge the recipe by what it holds out, then train the network on everything and make its graphs.

    Args:
        recipe: all choices.
        material: everything.
        run_dir: keeps what each stage gives.
    """
    judged, held_out_dir = run_dir / "held_out.json", run_dir / "held_out"
    if not judged.exists():
        judged.write_text(json.dumps(judge_taught(recipe, material, held_out_dir), indent=1) + "\n")
    shutil.copy(held_out_dir / JOINING_FILE, run_dir / JOINING_FILE)
    parts, history = fit_parts(recipe, material, np.arange(len(material.reviews)), run_dir)
    worth_in = worth_of(material, np.arange(len(material.reviews)))
    model, keys = joined_network(parts, np.load(held_out_dir / NUMBERS_FILE), worth_in)
    return trained_network(recipe, model, keys, material.reviews, history, json.loads(judged.read_text()))
