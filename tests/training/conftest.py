"""A data set like IMDB's, small enough to train on in a second, and a network small enough for it."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from numpy.typing import NDArray

from training.data.imdb import read_reviews
from training.lecture.model import build_model
from training.recipes import LECTURE, TAUGHT, LectureRecipe, NetworkRecipe
from training.wide_deep.texts import Texts, weighted

REVIEWS = 80  # of each split
WORDS = ["the", "don't", "café", "half–hearted", "new\x85line", *(f"word{rank}" for rank in range(6, 601))]

TINY = replace(
    LECTURE,
    name="tiny",
    model_name="tiny-model",
    num_words=50,
    maxlen=20,
    embedding_dim=4,
    block_filters=(4, 6),
    convolutions_per_block=1,
    kernel_size=3,
    batch_size=8,
    epochs=2,
)


TINY_NETWORK = replace(
    NetworkRecipe(**{field.name: getattr(TAUGHT, field.name) for field in fields(NetworkRecipe)}),
    name="tiny-network",
    model_name="tiny-network-model",
    num_words=50,
    maxlen=40,
    epochs=2,
    embedding_dim=4,
    kernel_sizes=(1, 2, 3),
    filters=8,
    ids_per_batch=800,
    max_ngrams=300,
)


def ragged(reviews: Sequence[Any]) -> NDArray[np.object_]:
    """An object array that holds what it is given, as `imdb.npz` holds lists."""
    array = np.empty(len(reviews), dtype=object)
    array[:] = reviews
    return array


def write_data(folder: Path, **changes: Any) -> Path:
    """Writes `imdb.npz` and `imdb_word_index.json`, with some of the four arrays changed; None leaves one out."""
    random = np.random.default_rng(7)
    arrays: dict[str, Any] = {}
    for split in ("train", "test"):
        lengths = random.integers(1, 400, REVIEWS)
        # Squared, so that low ranks are frequent; each of them occurs somewhere.
        reviews = [(1 + random.random(length) ** 2 * len(WORDS)).astype(int).tolist() for length in lengths]
        arrays |= {f"x_{split}": ragged(reviews), f"y_{split}": random.permutation(np.arange(REVIEWS) % 2)}
    arrays = {name: array for name, array in (arrays | changes).items() if array is not None}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "imdb.npz", **arrays)
    # In no order, as the real one is.
    shuffled = random.permutation(len(WORDS)).tolist()
    index = {WORDS[position]: position + 1 for position in shuffled}
    (folder / "imdb_word_index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 + 80 reviews over 600 words; tests only read it."""
    return write_data(tmp_path_factory.mktemp("imdb"))


def seeded(recipe: LectureRecipe, seed: int) -> keras.Sequential:
    """The recipe's untrained network with the initial weights of a seed."""
    keras.utils.set_random_seed(seed)
    return build_model(recipe)


def write_texts(data_dir: Path) -> Path:
    """Writes the data set and its raw text."""
    write_data(data_dir)
    arrays = read_reviews(data_dir)
    rows: dict[str, list[str]] = {"split": [], "text": []}
    for split in ("train", "test"):
        for ranks in arrays[f"x_{split}"]:
            words = [WORDS[rank - 1] for rank in ranks]
            sentences = [" ".join(words[start : start + 5]) for start in range(0, len(words), 5)]
            rows["split"].append(split)
            rows["text"].append(". ".join(sentences))
    pyarrow.parquet.write_table(pyarrow.table(rows), data_dir / "reviews.parquet")
    return data_dir


def opinions(count: int, seed: int) -> Texts:
    """Texts of 3 to 59 random words; word 10 makes one positive, word 11 negative."""
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for number in range(count):
        text = random.integers(12, TINY_NETWORK.num_words, random.integers(3, 60))
        text[random.integers(len(text))] = 11 - number % 2
        texts.append(np.concatenate([[1], text]))
        labels.append(number % 2)
    return weighted(texts, np.array(labels), 1.0)
