"""Batches of texts of like length."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from training.wide_deep.batches import batches_of_like_length, padded


def random_texts(count: int) -> list[NDArray[np.int64]]:
    random = np.random.default_rng(count)
    return [random.integers(1, 50, length) for length in random.integers(1, 200, count)]


@pytest.mark.parametrize("ids_per_batch", [1, 150, 2_000, 10**6])
def test_each_text_is_in_one_batch_and_no_batch_has_more_ids_than_allowed(ids_per_batch: int) -> None:
    texts = random_texts(1_000)
    batches = batches_of_like_length(texts, ids_per_batch, 300)
    assert sorted(np.concatenate(batches).tolist()) == list(range(1_000))
    for rows in batches:
        assert len(rows) <= 300
        assert len(rows) == 1 or len(rows) * max(len(texts[row]) for row in rows) <= ids_per_batch


def test_a_batch_is_as_full_as_it_may_be_and_its_texts_are_alike_in_length() -> None:
    texts = random_texts(1_000)
    batches = batches_of_like_length(texts, 2_000)
    for rows, after in pairwise(batches):
        longest, following = max(len(texts[row]) for row in rows), len(texts[after[0]])
        assert longest <= following
        assert (len(rows) + 1) * following > 2_000


def test_of_many_texts_groups_are_sorted_one_by_one() -> None:
    texts = random_texts(250)
    batches = batches_of_like_length(texts, 500, together=100)
    assert sorted(np.concatenate(batches).tolist()) == list(range(250))
    assert {min(rows) // 100 for rows in batches} == {0, 1, 2}
    assert all(min(rows) // 100 == max(rows) // 100 for rows in batches)


def test_texts_are_padded_behind_with_zeros() -> None:
    found = padded([np.array([7, 8]), np.array([9])])
    assert found.tolist() == [[7, 8], [9, 0]]
    assert found.dtype == np.int32


def test_groups_are_of_the_order_that_is_given() -> None:
    texts = random_texts(250)
    order = np.random.default_rng(5).permutation(250)
    batches = batches_of_like_length(texts, 500, order=order, together=100)
    place = np.argsort(order)
    assert sorted(np.concatenate(batches).tolist()) == list(range(250))
    assert all(min(place[rows]) // 100 == max(place[rows]) // 100 for rows in batches)
