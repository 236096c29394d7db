"""Texts in one row, their n-grams, and the parts that are cut out of them."""

from itertools import product

import numpy as np
import pytest

from service.inference.ngrams import NgramTable
from training.wide_deep.corpus import SPECIAL_IDS, Corpus, Crops, ngram_keys, random_crops

NUM_WORDS = 50


def reviews(count: int, longest: int, seed: int = 1) -> list[list[int]]:
    """Random texts, each with its own words after the start id, so that a part tells where it is from."""
    random = np.random.default_rng(seed)
    texts, following = [], SPECIAL_IDS
    for length in random.integers(0, longest, count).tolist():
        texts.append([1, *range(following, following + length)])
        following += length
    return texts


def crops_of(corpus: Corpus, anywhere: int = 3, at_end: int = 2, words: tuple[int, int] = (2, 9)) -> Crops:
    return random_crops(corpus, anywhere, at_end, words, np.random.default_rng(4))


def test_each_id_knows_its_text() -> None:
    corpus = Corpus([[1, 7], [1], [1, 8, 9]])
    assert corpus.token_ids.tolist() == [1, 7, 1, 1, 8, 9]
    assert (corpus.starts.tolist(), corpus.lengths.tolist()) == ([0, 2, 3], [2, 1, 3])
    assert corpus.text_of.tolist() == [0, 0, 1, 2, 2, 2]
    assert [part.tolist() for part in corpus.cut(np.array([1, 4]), np.array([1, 2]))] == [[7], [8, 9]]


def test_keys_stand_where_the_ngrams_begin() -> None:
    words, bigrams, trigrams = Corpus([[1, 7, 8, 9, 2, 5, 6]]).ngram_keys(3, 10)
    assert words.tolist() == [-1, 7, 8, 9, -1, 5, 6]
    assert bigrams.tolist() == [-1, 78, 89, -1, -1, 56, -1]
    assert trigrams.tolist() == [-1, 789, -1, -1, -1, -1, -1]


def test_no_ngram_reaches_into_the_next_text_even_where_a_cut_took_its_start_id() -> None:
    _, bigrams, trigrams = Corpus([[1, 7, 8], [3, 4, 5], [6]]).ngram_keys(3, 10)
    assert bigrams.tolist() == [-1, 78, -1, 34, 45, -1, -1]
    assert trigrams.tolist() == [-1, -1, -1, 345, -1, -1, -1]


def test_keys_are_those_that_inference_looks_up() -> None:
    texts = [np.random.default_rng(seed).integers(2, NUM_WORDS, 9) for seed in range(5)]
    keys = Corpus(texts).ngram_keys(3, NUM_WORDS)
    every = np.unique(np.concatenate([keys[1], keys[2]]))
    every = every[every >= 0]
    found = NgramTable(every, 3, NUM_WORDS).look_up(np.array(texts, np.int32))
    for order, ids in ((1, found[:, 9::2]), (2, found[:, 10::2])):
        np.testing.assert_array_equal(np.where(ids, every[ids - NUM_WORDS], -1), keys[order].reshape(5, 9))


def test_no_two_ngrams_share_a_key() -> None:
    ngrams = [*product(range(3, 12), repeat=2), *product(range(3, 12), repeat=3)]
    keys = set()
    for ngram in ngrams:
        of_orders = list(ngram_keys(np.array(ngram), len(ngram), 12))
        assert [len(of_order) for of_order in of_orders] == list(range(len(ngram) - 1, 0, -1))
        keys.add(int(of_orders[-1][0]))
    assert len(keys) == len(ngrams)


def test_every_crop_is_inside_its_own_text_and_without_the_start_id() -> None:
    texts = reviews(300, 40)
    corpus = Corpus(texts)
    crops = crops_of(corpus)
    parts = corpus.cut(crops.begins, crops.lengths)
    for part, text in zip(parts, crops.texts, strict=True):
        ids = texts[text]
        assert 1 not in part
        first = ids.index(part[0])
        assert part.tolist() == ids[first : first + len(part)]
    own = [len(text) - 1 for text in texts]
    assert np.bincount(crops.texts, minlength=len(texts)).tolist() == [5 * (length > 0) for length in own]


def test_the_last_crops_of_a_text_end_with_it_and_the_others_may_begin_and_end_anywhere() -> None:
    corpus = Corpus([[1, *range(3, 40)]] * 200)
    crops = crops_of(corpus)
    ends = (crops.begins + crops.lengths - corpus.starts[crops.texts]).reshape(200, 5)
    begins = (crops.begins - corpus.starts[crops.texts]).reshape(200, 5)
    assert (ends[:, 3:] == 38).all()
    assert (ends[:, :3].max(), begins[:, :3].min()) == (38, 1)
    assert len(np.unique(begins[:, :3])) > 30


def test_lengths_are_between_the_bounds_and_the_short_as_frequent_as_their_logarithm_says() -> None:
    corpus = Corpus([[1, *range(3, 103)]] * 2_000)
    lengths = crops_of(corpus, words=(4, 63)).lengths
    assert (lengths.min(), lengths.max()) == (4, 63)
    assert np.mean(lengths < 16) == pytest.approx(0.5, abs=0.02)  # 4 to 16 is as far as 16 to 64
    shorter = crops_of(Corpus([[1, 3, 4]] * 9), words=(4, 63))
    assert (shorter.lengths == 2).all()


def test_a_text_of_the_start_id_alone_gives_no_crop() -> None:
    corpus = Corpus([[1], [1, 5, 6, 7], [1]])
    assert set(crops_of(corpus).texts.tolist()) == {1}
    assert len(crops_of(Corpus([[1], [1]])).begins) == 0


def test_the_same_generator_draws_the_same_crops() -> None:
    corpus = Corpus(reviews(30, 20))
    one, same = crops_of(corpus), crops_of(corpus)
    assert one.begins.tolist() == same.begins.tolist()
    assert one.lengths.tolist() == same.lengths.tolist()
