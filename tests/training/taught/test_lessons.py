"""Composition of an epoch of the taught network."""

from dataclasses import replace

import numpy as np

from tests.training.taught.conftest import TINY_TAUGHT
from training.taught.lessons import Lessons, phrase_targets, run_targets, treebank_texts


def test_an_epoch_has_every_review_its_crops_and_some_reviews_without_labels(lessons: Lessons) -> None:
    texts = lessons.epoch(0)
    crops = 2 * 60
    whole = 60 + crops + TINY_TAUGHT.unlabelled_reviews + 200
    assert whole <= len(texts.token_ids) <= whole + 10  # and some neutral phrases
    assert (texts.weights[60 : 60 + crops] == TINY_TAUGHT.crop_weight).all()
    lengths = [len(text) for text in texts.token_ids[60 : 60 + crops]]
    assert max(lengths) <= 1 + TINY_TAUGHT.deep_crop_words[1]
    assert all(text[0] == 1 for text in texts.token_ids)


def test_the_last_epochs_are_of_short_texts(lessons: Lessons) -> None:
    texts = lessons.epoch(TINY_TAUGHT.epochs)
    assert 0 < max(len(text) for text in texts.token_ids) <= TINY_TAUGHT.short_ids
    assert texts.targets[-1] in lessons.answered.targets


def test_epochs_differ_and_can_be_repeated(lessons: Lessons) -> None:
    first, again, second = (lessons.epoch(number) for number in (0, 0, 1))
    assert all(map(np.array_equal, first.token_ids, again.token_ids))
    assert not all(map(np.array_equal, first.token_ids, second.token_ids))


def test_labels_of_the_treebank_become_probabilities() -> None:
    phrases = {"bad": 0.0, "weak": 1.0, "the": 2.0, "so so": 2.5, "good": 3.0, "great": 4.0}
    opinions, neutral = treebank_texts(
        replace(TINY_TAUGHT, phrase_weight=0.5), phrases, lambda texts: [np.array([1, len(text)]) for text in texts]
    )
    np.testing.assert_allclose(opinions.targets, [0, 0.03, 0.735, 0.97, 1])
    assert [text.tolist() for text in neutral.token_ids] == [[1, 3]]
    assert (neutral.targets.tolist(), neutral.weights.tolist()) == ([0.5], [0.5])


def test_runs_get_the_mean_of_both_heads_and_phrases_the_sentence_head() -> None:
    logits = np.array([[1, 3], [-2, 2]], np.float16)
    np.testing.assert_allclose(run_targets(logits), [1 / (1 + np.exp(-2)), 0.5])
    np.testing.assert_allclose(phrase_targets(logits), [1 / (1 + np.exp(-1.5)), 1 / (1 + np.exp(3))])
