"""The data set from a folder: what Keras itself makes of the same files, and every file that is refused."""

import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from tests.training.conftest import REVIEWS, TINY, WORDS, ragged, write_data
from training.data.data_set import Split
from training.data.imdb import (
    every_word,
    load_data,
    load_texts,
    load_word_index,
    read_reviews,
    stored_positions,
)
from training.errors import DataError
from training.lecture.model import padded


def use_folder_as_download(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keras's own loader then reads the files of a folder instead of the ones it would download."""
    monkeypatch.setattr("keras.src.datasets.imdb.get_file", lambda fname, **_: str(folder / fname))


def assert_equal_splits(ours: tuple[Split, Split], keras_made: tuple[Split, Split]) -> None:
    for (reviews, labels), (their_reviews, their_labels) in zip(ours, keras_made, strict=True):
        np.testing.assert_array_equal(reviews, their_reviews, strict=True)
        np.testing.assert_array_equal(labels, their_labels, strict=True)


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"num_words": 500},
        {"num_words": 100, "skip_top": 20},
        {"maxlen": 100},
        {"maxlen": 50, "num_words": 300, "oov_char": 0},
        {"seed": 1},
        {"start_char": None},
        {"start_char": 7, "index_from": 10},
        {"oov_char": None, "num_words": 100},
        {"oov_char": None, "start_char": None, "skip_top": 30, "index_from": 0},
        {"index_from": 0},
        {"num_words": 200, "skip_top": 5, "maxlen": 200, "seed": 9, "start_char": 3, "oov_char": 4, "index_from": 5},
    ],
    ids=str,
)
def test_folder_gives_what_keras_gives(
    choices: dict[str, Any], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_folder_as_download(monkeypatch, data_dir)
    assert_equal_splits(load_data(data_dir, **choices), keras.datasets.imdb.load_data(**choices))


def test_real_data_set_is_the_one_keras_gives(imdb_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_folder_as_download(monkeypatch, imdb_data_dir)
    ours = load_data(imdb_data_dir)
    assert [len(reviews) for reviews, _ in ours] == [25_000, 25_000]
    assert_equal_splits(ours, keras.datasets.imdb.load_data())


def test_word_index_is_the_one_keras_gives(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_folder_as_download(monkeypatch, data_dir)
    assert load_word_index(data_dir) == load_word_index(None) == keras.datasets.imdb.get_word_index()


def test_without_a_folder_keras_gets_every_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    # Stands in for Keras's loader, and gives back what it was asked for.
    monkeypatch.setattr(keras.datasets.imdb, "load_data", dict)
    choices: dict[str, Any] = {
        **{"num_words": 200, "skip_top": 5, "maxlen": 90, "seed": 9},
        **{"start_char": None, "oov_char": 4, "index_from": 5},
    }
    asked: list[Any] = [load_data(None, **choices), load_data(None)]
    defaults = {"num_words": None, "skip_top": 0, "maxlen": None, "seed": 113}
    assert asked == [choices, {**defaults, "start_char": 1, "oov_char": 2, "index_from": 3}]


def test_every_word_as_num_words_cuts_none_where_kerass_default_cuts_the_rarest(tmp_path: Path) -> None:
    reviews, labels = ragged([[len(WORDS), 1]]), np.array([1])
    write_data(tmp_path, x_train=reviews, y_train=labels, x_test=reviews, y_test=labels)
    num_words = every_word(load_word_index(tmp_path))
    assert load_data(tmp_path, num_words=num_words)[0][0].tolist() == [[1, 603, 4]]
    assert load_data(tmp_path)[0][0].tolist() == [[1, 2, 4]]


def test_it_is_known_where_a_training_review_stands_in_the_file(data_dir: Path) -> None:
    (reviews, labels), _ = load_data(data_dir)
    stored = read_reviews(data_dir)
    positions = stored_positions(len(labels))
    assert stored["y_train"][positions].tolist() == labels.tolist()
    assert [len(stored["x_train"][position]) + 1 for position in positions] == [len(review) for review in reviews]


def test_padded_keeps_the_last_ids_and_pads_behind() -> None:
    reviews = ragged([[1, 5], [1, 2, 3, 4, 5, 6, 7], []])
    rows = padded(reviews, replace(TINY, maxlen=4))
    assert rows.dtype == np.int32
    assert rows.tolist() == [[1, 5, 0, 0], [4, 5, 6, 7], [0, 0, 0, 0]]


def test_raw_texts_come_in_the_order_of_the_reviews(data_dir: Path, tmp_path: Path) -> None:
    # The text of a review is its label and length here, so the orders can be compared. Splits need not be sorted.
    folder = write_data(tmp_path)
    with np.load(folder / "imdb.npz", allow_pickle=True) as stored:
        rows = [
            (split, f"{label} {len(review)}")
            for split in ("test", "train")
            for review, label in zip(stored[f"x_{split}"], stored[f"y_{split}"], strict=True)
        ]
    write_texts(folder, split=[split for split, _ in rows], text=[text for _, text in rows])
    described = [
        [f"{label} {len(review) - 1}" for review, label in zip(*split, strict=True)] for split in load_data(folder)
    ]
    assert load_texts(folder) == tuple(described)
    assert load_texts(folder, seed=1) != tuple(described)
    assert load_texts(data_dir) is None
    assert load_texts(None) is None


def write_texts(folder: Path, **columns: list[str]) -> None:
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "reviews.parquet")


# What is refused. Each case spoils one file of a good folder; the message names the file and what is wrong.


def refuses(spoil: Callable[[Path], object], file: str, message: str, folder: Path) -> None:
    write_data(folder)
    spoil(folder)
    with pytest.raises(DataError) as refusal:
        load_data(folder)
    assert str(folder / file) in str(refusal.value)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def cut_in_half(folder: Path) -> None:
    path = folder / "imdb.npz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_byte(folder: Path) -> None:
    path = folder / "imdb.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def replace_member(payload: bytes) -> Callable[[Path], None]:
    """Puts another pickle in the place of that of x_train, in a zip that is whole."""

    def spoil(folder: Path) -> None:
        with zipfile.ZipFile(folder / "imdb.npz") as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        header_length = 10 + int.from_bytes(members["x_train.npy"][8:10], "little")
        members["x_train.npy"] = members["x_train.npy"][:header_length] + payload
        with zipfile.ZipFile(folder / "imdb.npz", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return spoil


BALANCED = np.arange(REVIEWS) % 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "imdb.npz").unlink(), "is missing"),
        (lambda folder: (folder / "imdb.npz").write_bytes(b"<html>not found</html>"), "is damaged"),
        (lambda folder: (folder / "imdb.npz").write_bytes(b""), "is damaged"),
        (cut_in_half, "is damaged"),
        (flip_a_byte, "is damaged"),
        (replace_member(b"no pickle"), "is damaged"),
        (replace_member(pickle.dumps([[1], [2]])), "holds a list where an array belongs"),
        (replace_member(b"\x80\x02cnumpy\nndarray\n)R."), "is damaged"),  # a call that numpy refuses
    ],
    ids=["missing", "html", "empty", "cut in half", "flipped byte", "no pickle", "pickled list", "bad call"],
)
def test_damaged_reviews_are_refused(spoil: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    refuses(spoil, "imdb.npz", message, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_test": None, "y_test": None}, "has no x_test, y_test"),
        ({"y_train": BALANCED + 1}, "train labels are not all 0 or 1"),
        ({"y_test": BALANCED.astype(str)}, "test labels are not all 0 or 1"),
        ({"y_test": BALANCED.astype(float)}, "test labels are not all 0 or 1"),
        ({"y_test": np.array([*"ab", *BALANCED[2:].tolist()], object)}, "test labels are not all 0 or 1"),
        ({"y_train": BALANCED[:-1]}, "(80,) train reviews, (79,) labels"),
        ({"x_test": ragged([]), "y_test": BALANCED[:0]}, "(0,) test reviews"),
        ({"x_train": np.array(5), "y_train": np.array(1)}, "() train reviews"),
        ({"x_train": np.ones((REVIEWS, 3), int)}, "(80, 3) train reviews"),
        ({"x_train": ragged([[1]] * (REVIEWS - 1) + ["good"])}, "train review 79 is no list of ranks"),
        ({"x_train": ragged([[1, 2.0]] * REVIEWS)}, "train review 0 is no list of ranks"),
        ({"x_test": ragged([[1]] * 5 + [[0]] * (REVIEWS - 5))}, "test review 5 has a rank outside 1 to 600"),
        ({"x_test": ragged([[600]] * 7 + [[601]] * (REVIEWS - 7))}, "test review 7 has a rank outside 1 to 600"),
    ],
)
def test_reviews_of_another_data_set_are_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    refuses(lambda folder: write_data(folder, **changes), "imdb.npz", message, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing"),
        (b"<html>", "is damaged"),
        (b'{"the": 1', "is damaged"),
        (b'{"caf\xe9": 1}', "is damaged"),
        (b'["the", "and"]', "should be one JSON object"),
        (b"{}", "should be one JSON object"),
        (b'{"the": 1, "and": 3}', "ranks are not 1 to 2"),
        (b'{"the": 1, "and": 1}', "ranks are not 1 to 2"),
        (b'{"the": 0, "and": 1}', "ranks are not 1 to 2"),
        (b'{"the": 1, "and": "2"}', "ranks are not 1 to 2"),
        (b'{"the": 1, "and": [2]}', "ranks are not 1 to 2"),
    ],
)
def test_foreign_word_index_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    def spoil(folder: Path) -> None:
        path = folder / "imdb_word_index.json"
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)

    refuses(spoil, "imdb_word_index.json", message, tmp_path)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere/imdb\.npz is missing"):
        load_data(tmp_path / "nowhere")


def test_too_small_a_maxlen_is_refused(data_dir: Path) -> None:
    with pytest.raises(DataError, match="No train review is shorter than maxlen=1"):
        load_data(data_dir, maxlen=1)


class Planted:
    """An object whose pickle writes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.path, "the data set ran code")


def test_code_in_the_reviews_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    planted = ragged([Planted(trace), *[[1]] * (REVIEWS - 1)])
    refuses(lambda folder: write_data(folder, x_train=planted), "imdb.npz", "which no data set needs", tmp_path / "d")
    assert not trace.exists()
    # It would have run: numpy's own reader does.
    np.load(tmp_path / "d" / "imdb.npz", allow_pickle=True)["x_train"]
    assert trace.exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "reviews.parquet").write_bytes(b"no parquet"),
        lambda folder: write_texts(folder, text=["no split"]),
        lambda folder: write_texts(folder, split=["train"]),
    ],
    ids=["no parquet", "no split", "no text"],
)
def test_damaged_raw_texts_are_refused(spoil: Callable[[Path], object], tmp_path: Path) -> None:
    write_data(tmp_path)
    spoil(tmp_path)
    with pytest.raises(DataError, match=r"reviews\.parquet is (damaged|not)"):
        load_texts(tmp_path)
