"""N-gram ids, compared with those that a dictionary of tuples gives."""

import tracemalloc
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.ngrams import NgramTable

NUM_WORDS, FIRST = 12, 3
Ngram = tuple[int, ...]


def key_of(ngram: Ngram) -> int:
    key = 0
    for token_id in ngram:
        key = key * NUM_WORDS + token_id
    return key


def some_ngrams(max_order: int, share: float) -> list[Ngram]:
    """A share of all n-grams of 2 to so many words, in the order of their keys."""
    random = np.random.default_rng(max_order)
    words = range(FIRST, NUM_WORDS)
    every = [ngram for order in range(2, max_order + 1) for ngram in product(words, repeat=order)]
    return [ngram for ngram in every if random.random() < share]


def table_of(ngrams: list[Ngram], max_order: int) -> NgramTable:
    return NgramTable(np.array([key_of(ngram) for ngram in ngrams], np.int64), max_order, NUM_WORDS)


def naively(token_ids: NDArray[np.int32], ngrams: list[Ngram], max_order: int) -> list[list[int]]:
    """The ids of each text: its words, then the bigram, the trigram and so on that begin with each."""
    ids = {ngram: NUM_WORDS + number for number, ngram in enumerate(ngrams)}
    rows = []
    for row in token_ids.tolist():
        found = list(row)
        for place in range(len(row)):
            ngrams_here = [tuple(row[place : place + order]) for order in range(2, max_order + 1)]
            found += [ids.get(ngram, 0) * (len(ngram) == order) for order, ngram in enumerate(ngrams_here, start=2)]
        rows.append(found)
    return rows


@pytest.mark.parametrize("max_order", [2, 3, 4])
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (3, 3), (5, 40), (64, 7), (0, 5)])
def test_ids_are_those_of_a_dictionary(max_order: int, shape: tuple[int, int]) -> None:
    ngrams = some_ngrams(max_order, 0.4)
    random = np.random.default_rng([*shape])
    token_ids = random.integers(1, NUM_WORDS, shape, np.int32)
    lengths = random.integers(1, shape[1] + 1, (shape[0], 1))
    token_ids[np.arange(shape[1]) >= lengths] = 0  # padding
    found = table_of(ngrams, max_order).look_up(token_ids)
    assert found.dtype == np.int32
    assert found.tolist() == naively(token_ids, ngrams, max_order)


def test_every_ngram_of_the_table_is_found() -> None:
    ngrams = some_ngrams(3, 1.0)
    token_ids = np.zeros((len(ngrams), 3), np.int32)
    for row, ngram in zip(token_ids, ngrams, strict=True):
        row[: len(ngram)] = ngram
    found = table_of(ngrams, 3).look_up(token_ids)
    whole = [row[1 + len(ngram)] for row, ngram in zip(found.tolist(), ngrams, strict=True)]
    assert whole == list(range(NUM_WORDS, NUM_WORDS + len(ngrams)))


@pytest.mark.parametrize("special", [1, 2])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_ngram_with_a_special_id_is_not_found_where_others_are(special: int, place: int) -> None:
    ngrams = some_ngrams(3, 1.0)
    ngram = [5, 6, 7]
    ngram[place] = special
    found = table_of(ngrams, 3).look_up(np.array([ngram], np.int32))
    pairs = [(ngram[0], ngram[1]), (ngram[1], ngram[2])]
    first, second = (0 if special in pair else NUM_WORDS + ngrams.index(pair) for pair in pairs)
    assert found.tolist() == [[*ngram, first, 0, second, 0, 0, 0]]


def test_padding_on_the_right_makes_no_ngram() -> None:
    ngrams = some_ngrams(3, 1.0)
    found = table_of(ngrams, 3).look_up(np.array([[5, 6, 0, 0, 0]], np.int32))
    assert found.tolist() == [[5, 6, 0, 0, 0, NUM_WORDS + ngrams.index((5, 6)), *[0] * 9]]


def test_ngrams_do_not_reach_into_the_next_text() -> None:
    table = table_of([(5, 6)], 2)
    assert table.look_up(np.array([[4, 5], [6, 7]], np.int32)).tolist() == [[4, 5, 0, 0], [6, 7, 0, 0]]


def test_a_model_may_know_no_ngrams() -> None:
    token_ids = np.random.default_rng(1).integers(0, NUM_WORDS, (4, 9), np.int32)
    found = table_of([], 3).look_up(token_ids)
    assert found[:, :9].tolist() == token_ids.tolist()
    assert not found[:, 9:].any()


@pytest.mark.parametrize(
    ("keys", "max_order", "num_words", "complaint"),
    [
        ([80, 70], 2, NUM_WORDS, "not rising"),
        ([70, 70], 2, NUM_WORDS, "not rising"),
        ([-5, 70], 2, NUM_WORDS, "not those of n-grams of 2 to 2 of 12 words"),
        ([NUM_WORDS - 1, 70], 2, NUM_WORDS, "not those of n-grams"),
        ([70, NUM_WORDS**2], 2, NUM_WORDS, "not those of n-grams"),
        ([70], 3, 2**21, "too many for 64 bits"),
        ([], 64, 2, "too many for 64 bits"),
    ],
)
def test_keys_that_cannot_be_are_refused(keys: list[int], max_order: int, num_words: int, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        NgramTable(np.array(keys, np.int64), max_order, num_words)


def test_the_lowest_and_the_highest_key_are_taken() -> None:
    table = NgramTable(np.array([NUM_WORDS, NUM_WORDS**2 - 1]), 2, NUM_WORDS)
    last = NUM_WORDS - 1
    assert table.look_up(np.array([[last, last]], np.int32)).tolist() == [[last, last, NUM_WORDS + 1, 0]]
    assert NgramTable(np.array([2**21]), 2, 2**21)  # 2 ** 42 n-grams fit


@pytest.mark.parametrize("num_words", [1_000, 1_024, 20_000, 32_768])
def test_the_table_has_room_whatever_the_number_of_words(num_words: int) -> None:
    chance = np.random.default_rng(2)
    frequent = np.minimum(chance.zipf(1.3, (50_000, 2)), num_words - 1)  # many bigrams end with the same word
    keys = np.unique(frequent[:, 0] * num_words + frequent[:, 1])
    keys = keys[keys >= num_words]
    tracemalloc.start()
    table = NgramTable(keys, 2, num_words)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 64 * len(keys)
    first, last = divmod(int(keys[-1]), num_words)
    assert table.look_up(np.array([[first, last]], np.int32))[0, 2] == num_words + len(keys) - 1
