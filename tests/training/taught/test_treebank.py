"""Trees in brackets to phrases as people type them."""

from pathlib import Path

import pytest

from training.errors import DataError
from training.taught.treebank import binary_sentences, joined_words, labelled_phrases, read_treebank

TREES = "(1 (2 It) (1 (1 (2 does) (2 n't)) (1 (3 work) (2 .))))\n(4 (4 Great) (2 (2 film) (2 !)))\n(2 (2 A) (2 film))\n"


@pytest.fixture
def trees_file(tmp_path: Path) -> Path:
    path = tmp_path / "train.txt"
    path.write_text(TREES, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("I do n't know , really .", "I don't know, really."),
        ("It 's the film 's best scene -- or is it ?", "It's the film's best scene -- or is it?"),
        ("`` Great '' -LRB- he said -RRB- !", '"Great" (he said)!'),
        ("It costs $ 10 and can not be good\\/bad", "It costs $10 and cannot be good/bad"),
    ],
)
def test_tokens_become_text_as_people_type_it(tokens: str, text: str) -> None:
    assert joined_words(tokens.split()) == text


def test_a_tree_gives_every_phrase_and_the_sentence_last(trees_file: Path) -> None:
    first = read_treebank(trees_file)[0]
    assert [phrase.text for phrase in first][-1] == "It doesn't work."
    assert {(phrase.text, phrase.label) for phrase in first} >= {("doesn't", 1), ("work.", 1), ("work", 3), ("It", 2)}
    assert [phrase.whole for phrase in first].count(True) == 1


def test_neutral_sentences_are_neither_positive_nor_negative(trees_file: Path) -> None:
    assert binary_sentences(read_treebank(trees_file)) == [("It doesn't work.", 0), ("Great film!", 1)]


def test_a_phrase_that_occurs_twice_has_the_mean_of_its_labels(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_text("(4 (4 fun) (2 it))\n(1 (1 fun) (1 (2 n't) (2 .)))\n", encoding="utf-8")
    phrases = labelled_phrases(read_treebank(path))
    assert phrases["fun"] == 2.5
    assert not {"n't", "."} & set(phrases)  # a clitic and a full stop say nothing alone


@pytest.mark.parametrize("content", ["", "no tree\n", "(3 (2 open) (2 end)\n"])
def test_a_file_without_trees_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "train.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"train\.txt is not a file of the treebank"):
        read_treebank(path)


def test_a_missing_file_is_named_with_the_variable(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="SST_DATA_DIR"):
        read_treebank(tmp_path / "train.txt")
