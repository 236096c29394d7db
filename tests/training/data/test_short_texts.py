"""Sentences out of reviews: how they are split, and that the draw is the same each time."""

import numpy as np
import pytest

from training.data.short_texts import MIN_WORDS, short_texts

FIXED = [
    "Third: it ends it all",
    "i j k l",
    "And here is the second one",
    "m n o p",
    "One is the first sentence",
    "e f g h",
]
THREE = "One is the first sentence. Two! And here is the second one!? <br />Third: it ends it all"


def drawn(*reviews: str, name: str = "one sentence") -> list[str]:
    return short_texts(reviews, np.zeros(len(reviews), np.int64))[name].texts


@pytest.mark.parametrize(
    ("review", "sentences"),
    [
        (THREE, {"One is the first sentence", "And here is the second one", "Third: it ends it all"}),
        ("It has no end at all", {"It has no end at all"}),
        ("Dots... are one end of it <br /><br />and lines are an end", {"are one end of it", "and lines are an end"}),
        ("commas, colons: and; others (do not) end it", {"commas, colons: and; others (do not) end it"}),
    ],
)
def test_sentences_end_at_stops_and_lines_and_those_of_few_words_are_left_out(review: str, sentences: set[str]) -> None:
    assert set(drawn(*[review] * 60)) == sentences
    assert all(len(sentence.split()) >= MIN_WORDS for sentence in sentences)


def test_pairs_follow_each_other_and_the_last_are_the_last() -> None:
    pairs = set(drawn(*[THREE] * 60, name="two sentences"))
    first, last = (
        "One is the first sentence. And here is the second one",
        "And here is the second one. Third: it ends it all",
    )
    assert pairs == {first, last}
    assert set(drawn(THREE, name="last two sentences")) == {last}


def test_labels_and_numbers_are_those_of_the_review() -> None:
    reviews = ["too short", "this one has one sentence", THREE, "", "another one of one sentence"]
    sets = short_texts(reviews, np.array([1, 0, 1, 1, 1]))
    assert list(sets) == ["one sentence", "two sentences", "last two sentences"]
    assert sets["one sentence"].reviews.tolist() == [1, 2, 4]
    assert sets["one sentence"].labels.tolist() == [0, 1, 1]
    for name in ("two sentences", "last two sentences"):
        assert (sets[name].reviews.tolist(), sets[name].labels.tolist()) == ([2], [1])
    for text, review in zip(sets["one sentence"].texts, sets["one sentence"].reviews, strict=True):
        assert text in reviews[review]


def test_the_same_reviews_give_the_same_texts() -> None:
    reviews = [THREE, "a b c d. e f g h. i j k l. m n o p"] * 20
    labels = np.arange(40) % 2
    for name, texts in short_texts(reviews, labels).items():
        assert texts.texts == short_texts(reviews, labels)[name].texts
    assert drawn(*reviews)[:6] == FIXED, "another draw: held-out figures of before cannot be compared with it"


def test_reviews_without_sentences_give_empty_sets() -> None:
    for texts in short_texts(["", "no. no."], np.array([0, 1])).values():
        assert (texts.texts, texts.labels.tolist(), texts.reviews.tolist()) == ([], [], [])
