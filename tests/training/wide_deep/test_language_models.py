"""A corpus of two texts, all of whose ratios are worked out here."""

import numpy as np
import pytest

from training.wide_deep.corpus import Corpus
from training.wide_deep.features import Features, frequent_features
from training.wide_deep.language_models import language_model_ratios

A, B, C = 3, 4, 5
CORPUS = Corpus([[1, A, B, A, B], [1, A, C, B]])  # the first is positive
LABELS = np.array([1, 0])
WORDS = {A: (3 / 7, 2 / 6), B: (3 / 7, 2 / 6), C: (1 / 7, 2 / 6)}
"""Chances in positive and in negative text: counts (2, 2, 0) and (1, 1, 1), one more of each."""


def ratios() -> tuple[Features, dict[int, float], dict[int, float]]:
    features = frequent_features(CORPUS, 10, 3, 1)
    found, counts = language_model_ratios(features, features.at(CORPUS, 10), LABELS[CORPUS.text_of], (8, 5), 10)
    keys = np.concatenate(features.keys).tolist()
    return features, dict(zip(keys, found.tolist(), strict=True)), dict(zip(keys, counts.tolist(), strict=True))


def test_every_ngram_is_counted_as_often_as_it_occurs() -> None:
    _, _, counts = ratios()
    assert counts == {3: 3, 4: 3, 5: 1, 34: 2, 43: 1, 35: 1, 54: 1, 343: 1, 434: 1, 354: 1}


@pytest.mark.parametrize("word", [A, B, C])
def test_a_word_has_its_ratio_of_frequencies(word: int) -> None:
    positive, negative = WORDS[word]
    assert ratios()[1][word] == pytest.approx(np.log(positive / negative))


def test_a_bigram_has_what_knowing_the_word_before_changes() -> None:
    positive = (2 + 8 * 3 / 7) / (2 + 8)  # of a's 2, b follows 2
    negative = (0 + 8 * 2 / 6) / (1 + 8)  # of a's 1, b follows none
    assert ratios()[1][34] == pytest.approx(np.log(positive / negative) - np.log((3 / 7) / (2 / 6)))
    positive = (0 + 8 * 3 / 7) / (0 + 8)  # there is no c: what is said of b alone
    negative = (1 + 8 * 2 / 6) / (1 + 8)
    assert ratios()[1][54] == pytest.approx(np.log(positive / negative) - np.log((3 / 7) / (2 / 6)))


def test_a_trigram_has_what_knowing_the_word_before_that_changes() -> None:
    of_two = (1 + 8 * 3 / 7) / (2 + 8), (0 + 8 * 2 / 6) / (1 + 8)  # a after b: 1 of 2, none of 1
    positive = (1 + 5 * of_two[0]) / (2 + 5)  # of 2 "a b" one goes on with a
    negative = (0 + 5 * of_two[1]) / (0 + 5)
    assert ratios()[1][343] == pytest.approx(np.log(positive / negative) - np.log(of_two[0] / of_two[1]))


def test_the_ratios_of_a_text_add_up_to_that_of_its_words_given_those_before() -> None:
    _, found, _ = ratios()
    of_b = (2 + 8 * 3 / 7) / (2 + 8), (0 + 8 * 2 / 6) / (1 + 8)
    after_b = (1 + 8 * 3 / 7) / (2 + 8), (0 + 8 * 2 / 6) / (1 + 8)
    of_a = (1 + 5 * after_b[0]) / (2 + 5), (0 + 5 * after_b[1]) / (0 + 5)
    chain = np.log(WORDS[A][0] / WORDS[A][1]) + np.log(of_b[0] / of_b[1]) + np.log(of_a[0] / of_a[1])
    assert sum(found[key] for key in (3, 4, 3, 34, 43, 343)) == pytest.approx(chain)
