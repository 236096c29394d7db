"""Fitting the deep path: its batches, its words left out, and what a step changes."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.conftest import TINY_WIDE
from tests.training.wide_deep.conftest import texts_of_every_length
from training.data.data_set import Split
from training.repeatable import make_repeatable
from training.wide_deep import deep as deep_module
from training.wide_deep.corpus import Corpus
from training.wide_deep.deep import OOV_ID, _Epoch, batches_of_like_length, deep_logits, fit_deep, padded
from training.wide_deep.fit import Paths
from training.wide_deep.network import build_deep
from training.wide_deep.word_vectors import word_vectors


def random_texts(count: int) -> list[NDArray[np.int64]]:
    random = np.random.default_rng(count)
    return [random.integers(1, 50, length) for length in random.integers(1, 200, count)]


def epoch(number: int = 0, **changes: Any) -> _Epoch:
    """Of reviews whose ids tell which review they are: two of them, 2 and 3 longer than 40."""
    texts = [[1, *[10 * (1 + row)] * length] for row, length in enumerate([3, 20, 50, 39])]
    return _Epoch(replace(TINY_WIDE, **changes), Corpus(texts), np.array([0, 1, 1, 1]), number)


def rows_of(batches: _Epoch) -> list[tuple[list[int], float]]:
    """All texts of an epoch without their padding, and their labels."""
    return [
        (ids[ids > 0].tolist(), float(label))
        for token_ids, labels in batches
        for ids, label in zip(token_ids, labels, strict=True)
    ]


@pytest.mark.parametrize("ids_per_batch", [1, 150, 2_000, 10**6])
def test_each_text_is_in_one_batch_and_no_batch_has_more_ids_than_allowed(ids_per_batch: int) -> None:
    texts = random_texts(1_000)
    batches = batches_of_like_length(texts, ids_per_batch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(1_000))
    for rows in batches:
        assert len(rows) <= deep_module.MOST_TEXTS
        assert len(rows) == 1 or len(rows) * max(len(texts[row]) for row in rows) <= ids_per_batch


def test_a_batch_is_as_full_as_it_may_be_and_its_texts_are_alike_in_length() -> None:
    texts = random_texts(1_000)
    batches = batches_of_like_length(texts, 2_000)
    for rows, after in pairwise(batches):
        longest, following = max(len(texts[row]) for row in rows), len(texts[after[0]])
        assert longest <= following
        assert (len(rows) + 1) * following > 2_000


def test_of_many_texts_groups_are_sorted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep_module, "SORTED_TOGETHER", 100)
    texts = random_texts(250)
    batches = batches_of_like_length(texts, 500)
    assert sorted(np.concatenate(batches).tolist()) == list(range(250))
    assert {min(rows) // 100 for rows in batches} == {0, 1, 2}
    assert all(min(rows) // 100 == max(rows) // 100 for rows in batches)


def test_texts_are_padded_behind_with_zeros() -> None:
    found = padded([np.array([7, 8]), np.array([9])])
    assert found.tolist() == [[7, 8], [9, 0]]
    assert found.dtype == np.int32


def test_an_epoch_has_every_review_and_crops_of_each_with_its_label() -> None:
    rows = rows_of(epoch(word_dropout=0.0))
    assert len(rows) == 4 + 4 * 2
    labels = {10: 0.0, 20: 1.0, 30: 1.0, 40: 1.0}
    assert all(label == labels[ids[-1]] for ids, label in rows)
    for word, whole in ((10, [1] + [10] * 3), (20, [1] + [20] * 20), (30, [30] * 40), (40, [1] + [40] * 39)):
        own = [ids for ids, _ in rows if ids[-1] == word]
        assert whole in own  # a longer one has lost its beginning
        assert len(own) == 3
        crops = [ids for ids in own if len(ids) <= 1 + 12]
        assert len(crops) >= 2
        assert all(ids[0] == 1 and set(ids[1:]) == {word} for ids in crops)


def test_every_epoch_draws_anew_and_the_same_one_the_same() -> None:
    first, same, second = rows_of(epoch()), rows_of(epoch()), rows_of(epoch(number=1))
    assert first == same
    assert first != second


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.4, 0.25, 0.55), (1.0, 1, 1)])
def test_words_are_left_out_as_unknown_ones_and_padding_never(share: float, low: float, high: float) -> None:
    with_all, without = epoch(word_dropout=0.0), epoch(word_dropout=share)
    unknown = ids = 0
    for (token_ids, labels), (dropped, same) in zip(with_all, without, strict=True):
        assert labels.tolist() == same.tolist()
        assert ((dropped == token_ids) | ((dropped == OOV_ID) & (token_ids > 0))).all()
        unknown += int((dropped == OOV_ID).sum())
        ids += int((token_ids > 0).sum())
    assert low <= unknown / ids <= high


def test_keras_is_not_left_to_guess_lengths_from_batches_that_may_be_alike() -> None:
    batches = epoch(ids_per_batch=1).dataset()
    assert [spec.shape.as_list() for spec in batches.element_spec] == [[None, None], [None]]
    assert int(batches.cardinality()) == 4 + 4 * 2
    for (token_ids, labels), (given, same) in zip(batches, epoch(ids_per_batch=1), strict=True):
        np.testing.assert_array_equal(token_ids, given)
        np.testing.assert_array_equal(labels, same)


@pytest.fixture(scope="module")
def vectors(reviews: Split) -> NDArray[np.float32]:
    """Those that `paths` began with."""
    recipe, corpus = TINY_WIDE, Corpus(reviews[0])
    return word_vectors(corpus, recipe.num_words, recipe.embedding_dim, recipe.vector_window, recipe.seed)


def test_fitting_changes_every_parameter_but_the_vector_of_padding(paths: Paths, vectors: NDArray[np.float32]) -> None:
    make_repeatable(TINY_WIDE.seed)
    before = build_deep(TINY_WIDE, vectors).get_weights()
    after = paths.deep.get_weights()
    assert len(before) == 1 + 2 * 3 + 2
    for old, new in zip(before, after, strict=True):
        assert (old != new).mean() > 0.8
    np.testing.assert_array_equal(before[0][0], after[0][0])


def test_the_same_seed_gives_the_same_weights_and_history(
    paths: Paths, vectors: NDArray[np.float32], reviews: Split
) -> None:
    make_repeatable(TINY_WIDE.seed)
    again, history = fit_deep(TINY_WIDE, Corpus(reviews[0]), reviews[1], vectors)
    assert history == paths.history
    assert {name: len(values) for name, values in history.items()} == {"accuracy": 2, "loss": 2}
    for weights, same in zip(again.get_weights(), paths.deep.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, same)


def test_logits_come_in_the_order_of_the_texts_and_do_not_depend_on_the_batches(paths: Paths) -> None:
    texts = texts_of_every_length()
    order = np.random.default_rng(0).permutation(len(texts))
    alone = np.array([np.asarray(paths.deep(text[None]))[0, 0] for text in texts])
    together = deep_logits(paths.deep, [texts[row] for row in order], 300)
    np.testing.assert_allclose(together, alone[order], atol=1e-5)
    assert np.ptp(alone) > 0.05
