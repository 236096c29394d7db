"""A data set like IMDB's, small enough to train on in a second, and a network small enough for it."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from training.lecture.model import build_model
from training.recipes import LECTURE, TAUGHT, LectureRecipe, WideDeepRecipe

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


TINY_WIDE = replace(
    WideDeepRecipe(**{field.name: getattr(TAUGHT, field.name) for field in fields(WideDeepRecipe)}),
    name="tiny-wide",
    model_name="tiny-wide-model",
    num_words=50,
    maxlen=40,
    epochs=2,
    validation_share=0.25,
    embedding_dim=4,
    vector_window=2,
    kernel_sizes=(1, 2, 3),
    filters=8,
    deep_crops=(1, 1),
    deep_crop_words=(5, 12),
    ids_per_batch=800,
    max_ngrams=300,
    wide_crops=(3, 1),
    wide_crop_words=(5, 20),
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
