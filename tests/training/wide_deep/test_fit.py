"""Training the network."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.ngrams import NgramTable
from tests.training.conftest import TINY_NETWORK, opinions
from training.wide_deep.batches import padded
from training.wide_deep.fit import MOST_TEXTS, Epoch, Phase, train_student
from training.wide_deep.ngrams import choose_ngrams
from training.wide_deep.student import NGRAM_COLUMNS, build_student
from training.wide_deep.texts import weighted

RECIPE = replace(TINY_NETWORK, epochs=8, learning_rate=0.03, max_ngrams=60)
TEXTS = opinions(300, 1)
VECTORS = np.random.default_rng(5).normal(0, 0.3, (RECIPE.num_words, RECIPE.embedding_dim)).astype(np.float32)

PHASES = (Phase(RECIPE.epochs, RECIPE.learning_rate), Phase(1, 0.01))


@pytest.fixture(scope="module")
def keys() -> NDArray[np.int64]:
    return choose_ngrams(RECIPE, TEXTS)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def student(keys: NDArray[np.int64], run_dir: Path) -> keras.Model:
    return train_student(RECIPE, PHASES, lambda _: TEXTS, keys, VECTORS, run_dir)[0]


def table_of(keys: NDArray[np.int64]) -> NgramTable:
    return NgramTable(keys, RECIPE.max_order, RECIPE.num_words)


def test_the_chosen_ngrams_are_those_that_tell_what_their_words_do_not() -> None:
    random = np.random.default_rng(6)
    pairs = ([21, 20], [20, 21])
    texts = [np.concatenate([[1], random.integers(4, 50, 8), pairs[number % 2]]) for number in range(200)]
    keys = choose_ngrams(replace(RECIPE, max_ngrams=2), weighted(texts, np.arange(200) % 2, 1.0))
    assert keys.tolist() == [20 * 50 + 21, 21 * 50 + 20]


def test_a_student_learns_what_its_lessons_say(student: keras.Model, keys: NDArray[np.int64]) -> None:
    texts = opinions(100, 9)
    token_ids = padded([text[-RECIPE.maxlen :] for text in texts.token_ids])
    logits = np.asarray(student([token_ids, table_of(keys).look_up(token_ids)], training=False))[:, 0]
    inside = np.array([len(text) <= RECIPE.maxlen for text in texts.token_ids])
    assert ((logits >= 0) == texts.targets)[inside].mean() > 0.9


def test_ngram_weights_begin_at_zero_and_count_by_length() -> None:
    model = build_student(RECIPE, VECTORS, RECIPE.num_words + 1)
    table = np.zeros((RECIPE.num_words + 1, NGRAM_COLUMNS), np.float32)
    token_ids = np.array([[1, *[20] * 29], [1, *[20] * 9, *[0] * 20]], np.int32)
    before = np.asarray(model([token_ids, token_ids]))
    assert not model.get_layer("ngram_weights").get_weights()[0].any()
    table[20] = 1.0, 0.5
    model.get_layer("ngram_weights").set_weights([table])
    added = np.asarray(model([token_ids, token_ids])) - before
    np.testing.assert_allclose(
        added[:, 0], RECIPE.ngram_rate * np.array([29, 9 * (1 + 0.5 * np.log(10 / 30))]), rtol=1e-4
    )


def test_batches_hold_every_text_once_and_leave_words_out(keys: NDArray[np.int64]) -> None:
    texts = TEXTS
    batches = list(Epoch(RECIPE, texts, table_of(keys), 1))
    assert sum(len(targets) for _, targets, _ in batches) == len(texts.token_ids)
    ids = [inputs[0] for inputs, _, _ in batches]
    assert max(batch.size for batch in ids) <= RECIPE.ids_per_batch
    assert max(len(batch) for batch in ids) <= MOST_TEXTS
    left_out = sum((batch == 2).sum() for batch in ids) / sum((batch > 0).sum() for batch in ids)
    assert 0.5 < left_out / RECIPE.word_dropout < 1.5


def test_a_finished_run_is_not_trained_again(
    student: keras.Model, keys: NDArray[np.int64], run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.wide_deep.fit.Epoch", lambda *_: pytest.fail("it trains"))
    again, history = train_student(RECIPE, PHASES, lambda _: TEXTS, keys, VECTORS, run_dir)
    assert len(history["loss"]) == RECIPE.epochs + 1
    for one, other in zip(again.get_weights(), student.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
