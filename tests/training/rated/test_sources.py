"""The texts that teacher and network learn from."""

from pathlib import Path

from tests.training.rated.conftest import LABELLED, RATED
from training.rated.sources import letters, read_sources


def test_labelled_and_rated_reviews_are_read_and_a_share_is_held_out(nsmc_folder: Path) -> None:
    sources = read_sources(nsmc_folder, 0.2)
    assert len(sources.texts) == LABELLED + RATED
    assert sources.texts[:LABELLED] == sources.labelled.texts
    assert (len(sources.fitted), len(sources.held_out)) == (160, 40)


def test_rated_reviews_that_say_the_same_as_one_held_out_are_left_out(nsmc_folder: Path) -> None:
    sources = read_sources(nsmc_folder, 0.2)
    judged = {letters(sources.labelled.texts[row]) for row in sources.held_out}
    unlike = set(sources.unlike.tolist())
    assert 0 < len(unlike) < RATED
    assert all((letters(text) not in judged) == (row in unlike) for row, text in enumerate(sources.rated.texts))


def test_letters_are_what_two_texts_that_say_the_same_share() -> None:
    assert letters("영화 굿!! ㅋ_ㅋ") == letters("영화굿ㅋㅋ.")
    assert letters("Ｇｏｏｄ １") == "good1"
