"""The file of the transformer's answers."""

from pathlib import Path

import numpy as np
import pytest

from training.errors import DataError
from training.taught.answers import ANSWERS_FILE, TeacherAnswers, check_answers, read_answers

ANSWERS = TeacherAnswers(np.ones((3, 2), np.float16), np.full((5, 4), 0.5, np.float16), np.array([7, 9]), "abc")


def test_answers_are_read_as_they_were_written(tmp_path: Path) -> None:
    ANSWERS.write(tmp_path / "answers.npz")
    again = read_answers(tmp_path / "answers.npz")
    np.testing.assert_array_equal(again.logits, ANSWERS.logits)
    np.testing.assert_allclose(again.vectors, ANSWERS.vectors, atol=0.005)
    assert again.vectors.dtype == np.float16
    np.testing.assert_array_equal(again.ngrams, ANSWERS.ngrams)
    assert again.digest == ANSWERS.digest


def test_answers_to_other_texts_are_refused() -> None:
    check_answers(ANSWERS, "abc")
    with pytest.raises(DataError, match="about other texts"):
        check_answers(ANSWERS, "abd")


@pytest.mark.parametrize("content", [None, b"", b"not a zip file"])
def test_a_missing_or_damaged_file_names_what_makes_it(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "answers.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"python -m training\.taught"):
        read_answers(path)


def test_the_committed_answers_are_small_and_hold_no_text() -> None:
    assert ANSWERS_FILE.stat().st_size < 8_000_000
    with np.load(ANSWERS_FILE, allow_pickle=False) as arrays:
        assert {name: array.dtype.kind for name, array in arrays.items()} == {
            "logits": "f",
            "vectors": "i",
            "steps": "f",
            "ngrams": "i",
            "digest": "U",
        }
