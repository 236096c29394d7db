"""Sentences of the treebank with phrases left out or replaced."""

from pathlib import Path

import pytest

from training.taught.treebank import Phrase, read_treebank
from training.taught.variants import FEWEST_WORDS, VARIANTS, draw_variants

FIRST = "(3 (2 The) (3 (2 film) (3 (3 shines) (2 (2 of) (2 (2 its) (2 light))))))"
SECOND = "(1 (2 A) (1 (2 story) (1 (2 of) (1 (2 no) (1 interest)))))"
SHORT = "(2 (2 Just) (2 this))"


@pytest.fixture
def trees(tmp_path: Path) -> list[list[Phrase]]:
    path = tmp_path / "train.txt"
    path.write_text(f"{FIRST}\n{SECOND}\n{SHORT}\n", encoding="utf-8")
    return read_treebank(path)


def test_the_same_trees_give_the_same_texts_each_once(trees: list[list[Phrase]]) -> None:
    texts = draw_variants(trees, seed=1)
    assert texts == draw_variants(trees, seed=1)
    assert len(set(texts)) == len(texts) <= 2 * VARIANTS
    assert texts != draw_variants(trees, seed=2)


def test_phrases_are_left_out_or_give_way_to_others_that_begin_alike(trees: list[list[Phrase]]) -> None:
    texts = {text for seed in range(30) for text in draw_variants(trees, seed)}
    assert "The film of its light" in texts
    assert "The film shines of no interest" in texts
    words = {word for text in texts for word in text.split()}
    assert words <= {word for tree in trees for word in tree[-1].words}


def test_sentences_themselves_and_what_is_too_short_do_not_come(trees: list[list[Phrase]]) -> None:
    texts = {text for seed in range(30) for text in draw_variants(trees, seed)}
    assert not texts & {tree[-1].text for tree in trees}
    assert min(len(text.split()) for text in texts) == FEWEST_WORDS
