"""The network and the models of whole reviews as one network."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from service.inference.ngrams import NgramTable
from tests.training.conftest import opinions
from tests.training.taught.conftest import TINY_TAUGHT
from training.taught.lessons import Lessons
from training.taught.review_teachers import fit_review_models
from training.wide_deep.batches import padded
from training.wide_deep.corpus import Corpus
from training.wide_deep.fit import Phase, train_student
from training.wide_deep.graphs import network_probabilities, wide_deep_graphs
from training.wide_deep.joined import (
    Parts,
    WorthIn,
    fit_numbers,
    joined_logits,
    joined_network,
    most_worth,
    with_what_is_left_out,
)
from training.wide_deep.lengths import length_powers
from training.wide_deep.ngrams import choose_ngrams
from training.wide_deep.texts import read_lengths

TEXTS = opinions(60, 21)
WORTH_IN = [WorthIn(Corpus(TEXTS.token_ids), length) for length in (0.0, 2.0)]
VECTORS = np.random.default_rng(5).normal(0, 0.3, (TINY_TAUGHT.num_words, TINY_TAUGHT.embedding_dim)).astype(np.float32)

PHASES = (Phase(TINY_TAUGHT.epochs, TINY_TAUGHT.learning_rate), Phase(TINY_TAUGHT.short_epochs, TINY_TAUGHT.short_rate))


@pytest.fixture(scope="module")
def parts(lessons: Lessons, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    keys = choose_ngrams(TINY_TAUGHT, lessons.by_people(0))
    student, _ = train_student(TINY_TAUGHT, PHASES, lessons.epoch, keys, VECTORS, tmp_path_factory.mktemp("run"))
    models = fit_review_models(TINY_TAUGHT, lessons.reviews.token_ids, lessons.reviews.targets.astype(np.int64))
    return Parts(TINY_TAUGHT, student, keys, models)


@pytest.fixture(scope="module")
def numbers(parts: Parts) -> NDArray[np.float64]:
    return np.random.default_rng(3).normal(0, 0.1, (parts.terms(TEXTS.token_ids).shape[1],))


def test_the_joined_network_answers_as_the_numbers_say(parts: Parts, numbers: NDArray[np.float64]) -> None:
    model, keys = joined_network(parts, numbers, WORTH_IN)
    table = NgramTable(keys, TINY_TAUGHT.max_order, TINY_TAUGHT.num_words)
    found = network_probabilities(model, table, TINY_TAUGHT, TEXTS.token_ids)
    logits = parts.terms(TEXTS.token_ids) @ numbers
    assert np.ptp(logits) > 0.5
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits)), atol=2e-3)


def test_the_graphs_answer_as_keras_does(parts: Parts, numbers: NDArray[np.float64]) -> None:
    model, keys = joined_network(parts, numbers, WORTH_IN)
    table = NgramTable(keys, TINY_TAUGHT.max_order, TINY_TAUGHT.num_words)
    expected = network_probabilities(model, table, TINY_TAUGHT, TEXTS.token_ids)
    graphs = wide_deep_graphs(model, keys, TINY_TAUGHT, TEXTS.token_ids)
    token_ids = padded([text[-TINY_TAUGHT.maxlen :] for text in TEXTS.token_ids]).astype(np.int32)
    feeds = {"token_ids": token_ids, "ngram_ids": table.look_up(token_ids)}
    for precision, tolerance in (("reference", 1e-5), ("float32", 1e-5), ("int8", 0.05)):
        session = onnxruntime.InferenceSession(graphs.by_precision[precision].SerializeToString())
        found = session.run(["probability"], feeds)[0].reshape(-1)
        np.testing.assert_allclose(found, expected, atol=tolerance)


def test_only_so_many_ngrams_are_kept_and_those_that_tell_most(parts: Parts, numbers: NDArray[np.float64]) -> None:
    few = Parts(replace(TINY_TAUGHT, kept_ngrams=7), parts.student, parts.keys, parts.models)
    _, keys = joined_network(few, numbers, WORTH_IN)
    assert len(keys) == 7
    assert (np.diff(keys) > 0).all()


def test_what_is_left_out_is_made_good_on_average_by_length(parts: Parts, numbers: NDArray[np.float64]) -> None:
    few = Parts(replace(TINY_TAUGHT, kept_ngrams=7), parts.student, parts.keys, parts.models)
    texts = TEXTS.token_ids
    terms = few.terms(texts)
    lost = []
    for tried in (numbers, with_what_is_left_out(few, numbers, WORTH_IN, texts, terms)):
        network, keys = joined_network(few, tried, WORTH_IN)
        lost.append(terms @ numbers - joined_logits(few.recipe, network, keys, texts))
    powers = length_powers(read_lengths(few.recipe, texts))
    before, after = (np.abs(powers.T @ each).max() for each in lost)
    assert before > 0.1
    assert after < 0.05 * before
    assert np.std(lost[1]) > 0


def test_an_ngrams_worth_is_told_by_its_weight_and_by_how_often_it_occurs() -> None:
    corpus = Corpus([np.array([1, 20, 21, 22, 20, 21])])
    keys = np.array([20 * 50 + 21, 21 * 50 + 22, 30 * 50 + 31])  # twice, once, never
    weights = np.array([[0.5, 0, 0], [0.6, 0, 0], [9.0, 0, 0]])
    assert most_worth(weights, keys, TINY_TAUGHT, [WorthIn(corpus, 0.0)]).tolist() == [0, 1, 2]


def test_numbers_follow_soft_targets_and_weights() -> None:
    random = np.random.default_rng(4)
    terms = random.normal(0, 1, (4_000, 3))
    true = np.array([1.0, -0.5, 0.2])
    targets = 1 / (1 + np.exp(-terms @ true))
    np.testing.assert_allclose(fit_numbers(terms, targets, np.ones(4_000)), true, atol=0.02)
    twice = fit_numbers(np.concatenate([terms, terms]), np.append(targets, 1 - targets), np.repeat([3.0, 1.0], 4_000))
    assert twice[0] > 0
