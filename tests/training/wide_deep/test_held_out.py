"""What is held out to judge a recipe: reviews, or the reviews of films."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.training.conftest import TINY_WIDE
from training.wide_deep.corpus import Corpus
from training.wide_deep.held_out import ALIKE_SHARE, held_out_films, held_out_split, random_folds

FILMS, OF_A_FILM = 200, 6
"""Films, and reviews of each: half of them positive."""


def test_held_out_is_the_same_share_of_each_label_and_nothing_is_in_both() -> None:
    labels = (np.arange(100) % 4 == 0).astype(np.int64)
    fitted, held_out = held_out_split(replace(TINY_WIDE, validation_share=0.2), labels)
    assert sorted([*fitted, *held_out]) == list(range(100))
    assert (len(held_out), labels[held_out].sum()) == (20, 5)
    assert held_out.tolist() == sorted(held_out.tolist()) != list(range(20))


def test_held_out_is_the_same_for_every_seed() -> None:
    labels = np.arange(40) % 2
    splits = [held_out_split(replace(TINY_WIDE, seed=seed), labels)[1].tolist() for seed in (1, 2)]
    assert splits[0] == splits[1]


def test_folds_share_nothing_and_have_the_same_share_of_each_label() -> None:
    labels = (np.arange(100) % 4 == 0).astype(np.int64)
    folds = random_folds(labels, 5)
    assert sorted(np.concatenate(folds)) == list(range(100))
    assert [(len(fold), labels[fold].sum()) for fold in folds] == [(20, 5)] * 5
    assert all(fold.tolist() == sorted(fold.tolist()) for fold in folds)
    assert folds[0].tolist() != list(range(0, 100, 5))


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
