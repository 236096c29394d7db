"""Which texts the transformer labels."""

import numpy as np

from training.taught.questions import (
    CLAUSE_WORDS,
    MOST_WORDS,
    RUNS,
    draw_clauses,
    draw_runs,
    frequent_ngrams,
    ngram_texts,
)

LONG = "word " * (MOST_WORDS + 1) + "."
REVIEWS = [" ".join(f"Sentence {number} of a review." for number in range(12)), "One only.", LONG, ""]


def test_a_review_gives_its_last_run_and_others() -> None:
    drawn = draw_runs(REVIEWS)
    assert np.bincount(drawn.reviews, minlength=4).tolist() == [RUNS, 1, 0, 0]  # too long or empty: none
    assert drawn.texts[RUNS - 1].endswith("Sentence 11 of a review.")
    assert all(text in REVIEWS[number] for text, number in zip(drawn.texts, drawn.reviews.tolist(), strict=True))


def test_runs_with_a_negation_come_first() -> None:
    review = " ".join(f"Sentence {number} {'is not' if number in (3, 8) else 'is'} here." for number in range(30))
    texts = draw_runs([review] * 20).texts
    assert all("3 is not" in " ".join(texts[i : i + RUNS]) for i in range(0, len(texts), RUNS))


def test_the_same_reviews_give_the_same_runs() -> None:
    assert draw_runs(REVIEWS).texts == draw_runs(REVIEWS).texts


def test_short_sentences_come_whole_and_of_longer_ones_what_is_around_a_negation() -> None:
    long = "The story of the old man and his dog and his boat was not interesting to me or to anybody else here."
    clauses = {
        text for before in range(20) for text in draw_clauses([*[""] * before, f"So good. I liked it a lot! {long}"])
    }
    assert "I liked it a lot!" in clauses
    assert "So good." not in clauses  # too short
    cut = clauses - {"I liked it a lot!"}
    assert len(cut) > 5
    assert all("not" in text.split()[:4] and text in long for text in cut)
    assert {len(text.split()) for text in cut} <= set(range(CLAUSE_WORDS[0], CLAUSE_WORDS[1] + 1))


def test_a_clause_that_comes_twice_is_labelled_once() -> None:
    assert draw_clauses(["I liked it a lot. I liked it a lot."]) == ["I liked it a lot."]


def test_frequent_ngrams_come_as_words() -> None:
    words = ["the", "film", "was", "bad"]  # ids 4 to 7
    texts = [np.array([1, 4, 5, 6, 7]), np.array([1, 4, 5, 2, 6, 7]), np.array([1, 4, 5])]
    found = ngram_texts(frequent_ngrams(texts, 8), words, 8)
    assert found[:2] == ["the film", "was bad"]
    assert set(found[2:]) == {"film was", "the film was", "film was bad"}  # none across an unknown word
