"""Scores of a text, added up by hand, and which weights are kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.training.taught.conftest import TINY_TAUGHT
from training.wide_deep.corpus import Corpus
from training.wide_deep.features import Features
from training.wide_deep.wide import Wide, most_telling

FEATURES = Features((np.array([3, 4, 5]), np.array([34, 43]), np.array([343])))
WEIGHTS = np.array([[1, 0.5], [2, 0], [4, 0], [8, 0], [16, 0.25], [32, 0]], np.float64)
WIDE = Wide(FEATURES, WEIGHTS, np.array([100.0, -1.0]))


def scores(*texts: list[int]) -> list[list[float]]:
    found: list[list[float]] = WIDE.scores(Corpus(texts), 10).tolist()
    return found


def test_each_ngram_counts_as_often_as_it_occurs() -> None:
    assert scores([1, 3, 4, 3, 4, 9]) == [[100 + 2 * (1 + 2 + 8) + 16 + 32, -1 + 2 * 0.5 + 0.25]]


def test_a_text_has_the_same_score_whatever_stands_beside_it() -> None:
    texts = [[1], [1, 4], [3, 4, 3], [4, 5], [1, 2, 3]]  # some cut, so without the start id
    assert scores(*texts) == [scores(text)[0] for text in texts]


def test_kept_are_all_words_and_the_ngrams_that_change_most() -> None:
    recipe = replace(TINY_TAUGHT, max_ngrams=2)
    counts = np.array([1, 1, 1, 1, 9, 1.0])
    weights = np.array([[0.0, 9], [0, 9], [0, 9], [3, 0], [2, 0], [2, 0]])  # 3 ** 2 once, 2 ** 2 nine times, and once
    assert most_telling(weights, counts, FEATURES, recipe).tolist() == [True, True, True, True, True, False]
    assert most_telling(weights, counts, FEATURES, replace(recipe, max_ngrams=1)).tolist()[3:] == [False, True, False]
    assert most_telling(weights, counts, FEATURES, replace(recipe, max_ngrams=9)).all()
    assert most_telling(weights, counts, FEATURES, replace(recipe, max_ngrams=0)).tolist() == [True] * 3 + [False] * 3


def test_models_of_small_weights_have_as_much_of_a_say_in_it_as_those_of_large_ones() -> None:
    recipe = replace(TINY_TAUGHT, max_ngrams=2)
    weights = np.array([[0, 0], [0, 0], [0, 0], [1000, 0], [900, 0], [0, 0.1]], np.float64)
    assert most_telling(weights, np.ones(6), FEATURES, recipe).tolist()[3:] == [True, False, True]


def test_weights_are_read_back_from_a_file(tmp_path: Path) -> None:
    WIDE.save(tmp_path / "models.npz")
    again = Wide.load(tmp_path / "models.npz")
    assert again.scores(Corpus([[1, 3, 4, 3]]), 10).tolist() == scores([1, 3, 4, 3])
    assert len(again.features.keys) == 3
