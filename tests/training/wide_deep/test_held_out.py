"""What is held out to judge a recipe: reviews, or the reviews of films."""

import numpy as np
from numpy.typing import NDArray

from training.wide_deep.corpus import Corpus
from training.wide_deep.held_out import ALIKE_SHARE, held_out_films, held_out_split

FILMS, OF_A_FILM = 200, 6
"""Films, and reviews of each: half of them positive."""


def test_a_share_is_held_out_by_chance_and_nothing_is_in_both() -> None:
    fitted, held_out = held_out_split(0.2, 100)
    assert sorted([*fitted, *held_out]) == list(range(100))
    assert len(held_out) == 20
    assert held_out.tolist() == sorted(held_out.tolist()) != list(range(20))


def reviews_of_films() -> tuple[Corpus, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Reviews in no order, their labels, the order of the file, and the film of each, whose name is in all of them."""
    film = np.repeat(np.arange(FILMS), OF_A_FILM)
    labels = np.tile(np.arange(OF_A_FILM) % 2, FILMS)
    random = np.random.default_rng(3)
    mixed = random.permutation(len(film))
    film, labels = film[mixed], labels[mixed]
    texts = [[1, *random.integers(3, 30, 20), 100 + number] for number in film]
    # As in the file: by label, and there by film; the films of the other label in another order.
    films = np.lexsort((np.where(labels == 1, film, (7 * film) % FILMS), -labels)).argsort()
    return Corpus(texts), labels, films, film


def test_no_film_of_a_label_is_on_both_sides() -> None:
    corpus, labels, films, film = reviews_of_films()
    fitted, held_out = held_out_films(0.2, corpus, labels, films)
    for label in (0, 1):
        sides = [set(film[side][labels[side] == label]) for side in (fitted, held_out)]
        assert not sides[0] & sides[1]
        assert len(sides[1]) == FILMS * 0.2
    assert not set(fitted) & set(held_out)
    assert len(held_out) == 0.2 * len(labels)
    assert labels[held_out].mean() == 0.5


def test_what_is_most_like_the_held_out_is_not_fitted() -> None:
    corpus, labels, films, film = reviews_of_films()
    fitted, held_out = held_out_films(0.2, corpus, labels, films)
    others = np.setdiff1d(np.arange(len(labels)), held_out)
    assert len(fitted) == len(others) - round(len(others) * ALIKE_SHARE)
    same_films = np.isin(film[others], film[held_out])
    left_out = np.setdiff1d(others, fitted)
    assert same_films.sum() >= len(left_out)
    assert np.isin(film[left_out], film[held_out]).all()  # their names tell
