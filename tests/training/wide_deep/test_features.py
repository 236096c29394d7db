"""Which n-grams are frequent, and which of them a text has, compared with counting in plain Python."""

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from training.wide_deep.corpus import SPECIAL_IDS, Corpus
from training.wide_deep.features import Features, frequent_features, presence

NUM_WORDS = 12


def random_texts(count: int) -> list[list[int]]:
    random = np.random.default_rng(count)
    return [[1, *random.integers(2, NUM_WORDS, random.integers(0, 25)).tolist()] for _ in range(count)]


TEXTS = [[1], *random_texts(40), [1, 5], [1]]
CORPUS = Corpus(TEXTS)


def ngrams_of(ids: list[int], order: int) -> list[int]:
    """The keys of an order, one after the other."""
    keys = []
    for place in range(len(ids) - order + 1):
        ngram = ids[place : place + order]
        if min(ngram) >= SPECIAL_IDS:
            keys.append(sum(token_id * NUM_WORDS**power for power, token_id in enumerate(reversed(ngram))))
    return keys


def frequent(min_texts: int) -> Features:
    return frequent_features(CORPUS, NUM_WORDS, 3, min_texts)


@pytest.mark.parametrize("min_texts", [1, 2, 7])
def test_frequent_is_what_enough_texts_have_however_often(min_texts: int) -> None:
    for order, keys in enumerate(frequent(min_texts).keys, start=1):
        texts = Counter(key for text in TEXTS for key in set(ngrams_of(text, order)))
        assert keys.tolist() == sorted(key for key, count in texts.items() if count >= min_texts)


def test_features_are_numbered_through_the_orders() -> None:
    features = Features((np.array([5, 7]), np.array([80]), np.array([900, 901, 902])))
    assert features.bounds == [0, 2, 3, 6]
    assert features.orders.tolist() == [0, 0, 1, 2, 2, 2]
    kept = features.kept(np.array([False, True, False, True, False, True]))
    assert [keys.tolist() for keys in kept.keys] == [[7], [], [900, 902]]


def test_each_place_has_the_feature_that_begins_there() -> None:
    features = frequent(2)
    numbers = {key: number for number, key in enumerate(np.concatenate(features.keys).tolist())}
    for keys, found in zip(CORPUS.ngram_keys(3, NUM_WORDS), features.at(CORPUS, NUM_WORDS), strict=True):
        assert found.tolist() == [numbers.get(key, -1) for key in keys.tolist()]
        assert (found >= 0).any()


def test_an_order_of_which_nothing_is_kept_is_nowhere() -> None:
    features = Features((np.array([5]), np.empty(0, np.int64)))
    assert (features.at(CORPUS, NUM_WORDS)[1] == -1).all()


def parts() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Whole texts and parts of them: begins and lengths, some of no id at all."""
    random = np.random.default_rng(3)
    inside = [
        (start + int(random.integers(0, length)), 0)
        for start, length in zip(CORPUS.starts, CORPUS.lengths, strict=True)
    ]
    cut = [
        (begin, int(random.integers(0, CORPUS.starts[text] + CORPUS.lengths[text] - begin + 1)))
        for text, (begin, _) in enumerate(inside)
    ]
    begins, lengths = np.array([*cut, (0, 0)]).T
    return np.concatenate([CORPUS.starts, begins]), np.concatenate([CORPUS.lengths, lengths])


def test_presence_is_1_for_each_feature_that_a_part_has_and_0_for_others() -> None:
    features, (begins, lengths) = frequent(2), parts()
    matrix = presence(features.at(CORPUS, NUM_WORDS), begins, lengths, features.bounds[-1])
    every = np.concatenate(features.keys).tolist()
    expected = np.zeros((len(begins), len(every)))
    for row, (begin, length) in enumerate(zip(begins, lengths, strict=True)):
        ids = CORPUS.token_ids[begin : begin + length].tolist()
        has = {key for order in (1, 2, 3) for key in ngrams_of(ids, order)}
        expected[row] = [key in has for key in every]
    np.testing.assert_array_equal(matrix.toarray(), expected)
    assert matrix.dtype == np.float32
    assert 0 < expected.mean() < 0.5
