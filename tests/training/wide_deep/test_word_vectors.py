"""Words in like company have like vectors."""

import numpy as np
from numpy.typing import NDArray

from training.wide_deep.corpus import Corpus
from training.wide_deep.word_vectors import LENGTH, word_vectors

NUM_WORDS, DIMENSION = 40, 4
LIKE, OTHERS = (5, 6), (7, 8)
COMPANY = {LIKE: range(10, 15), OTHERS: range(20, 25)}


def corpus() -> Corpus:
    """5 and 6 stand among the same words, 7 and 8 among others, and none of them beside another of them."""
    random = np.random.default_rng(3)
    texts = []
    for words, company in COMPANY.items():
        for _ in range(150):
            before, after = random.choice(company, (2, 2))
            texts.append([1, *before, random.choice(words), *after])
    return Corpus(texts)


def vectors(seed: int = 1) -> NDArray[np.float32]:
    return word_vectors(corpus(), NUM_WORDS, DIMENSION, 2, seed)


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_words_in_like_company_are_alike_and_those_in_other_company_are_not() -> None:
    of = vectors()
    assert likeness(of[5], of[6]) > 0.9
    assert likeness(of[7], of[8]) > 0.9
    assert max(likeness(of[one], of[other]) for one in LIKE for other in OTHERS) < 0.3


def test_vectors_are_of_one_length_and_those_of_unseen_words_small_and_random() -> None:
    of = vectors()
    assert (of.shape, of.dtype.name) == ((NUM_WORDS, DIMENSION), "float32")
    seen = [*LIKE, *OTHERS, *COMPANY[LIKE], *COMPANY[OTHERS]]
    unseen = [word for word in range(NUM_WORDS) if word not in seen]  # the special ids among them
    np.testing.assert_allclose(np.linalg.norm(of[seen], axis=1), LENGTH, rtol=1e-5)
    assert 0.05 < of[unseen].std() < 0.2
    assert len(np.unique(of[unseen], axis=0)) == len(unseen)


def test_the_same_seed_gives_the_same_vectors() -> None:
    np.testing.assert_array_equal(vectors(), vectors())
    assert not np.array_equal(vectors()[30], vectors(seed=2)[30])


def test_words_of_different_texts_are_not_near() -> None:
    apart = word_vectors(Corpus([[5], [6], [5], [6]]), 10, 2, 3, 1)
    assert (np.abs(np.linalg.norm(apart, axis=1) - LENGTH) > 0.01).all()
