"""The file of the teacher's answers."""

from pathlib import Path

import numpy as np
import pytest

from training.errors import DataError
from training.rated.answers import ANSWERS_FILE, RatedAnswers, read_answers

ANSWERS = RatedAnswers(np.array([0.0, 1.3, -20.0, 3.25], np.float32), "abc")


def test_answers_are_read_as_they_were_written_to_a_sixteenth(tmp_path: Path) -> None:
    ANSWERS.write(tmp_path / "answers.npz")
    again = read_answers("abc", tmp_path / "answers.npz")
    assert again.logits.tolist() == [0, 1.3125, -127 / 16, 3.25]
    assert again.digest == "abc"


def test_answers_to_other_texts_are_refused(tmp_path: Path) -> None:
    ANSWERS.write(tmp_path / "answers.npz")
    with pytest.raises(DataError, match="about other texts"):
        read_answers("abd", tmp_path / "answers.npz")


@pytest.mark.parametrize("content", [None, b"", b"not a zip file"])
def test_a_missing_or_damaged_file_names_what_makes_it(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "answers.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"python -m training\.rated"):
        read_answers("abc", path)


def test_the_committed_answers_are_small_and_hold_no_text() -> None:
    assert ANSWERS_FILE.stat().st_size < 1_000_000
    with np.load(ANSWERS_FILE, allow_pickle=False) as arrays:
        assert {name: array.dtype.kind for name, array in arrays.items()} == {"steps": "i", "digest": "U"}
        assert arrays["steps"].shape == (150_000 + 481_136,)
