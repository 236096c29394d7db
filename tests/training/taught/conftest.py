"""A recipe small enough to be trained on in seconds."""

from dataclasses import replace

import numpy as np
import pytest

from training.recipes import TAUGHT
from training.taught.lessons import Lessons
from training.taught.texts import Texts, weighted

TINY_TAUGHT = replace(
    TAUGHT,
    name="tiny-taught",
    model_name="tiny-taught-model",
    num_words=50,
    maxlen=40,
    epochs=8,
    embedding_dim=4,
    kernel_sizes=(1, 2, 3),
    filters=8,
    deep_crops=(1, 1),
    deep_crop_words=(5, 12),
    ids_per_batch=800,
    max_ngrams=60,
    wide_crops=(3, 1),
    wide_crop_words=(5, 20),
    unlabelled_reviews=20,
    short_epochs=1,
    short_ids=20,
    short_rate=0.01,
    learning_rate=0.03,
)


def opinions(count: int, seed: int) -> Texts:
    """Texts of 3 to 59 random words; word 10 makes one positive, word 11 negative."""
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for number in range(count):
        text = random.integers(12, TINY_TAUGHT.num_words, random.integers(3, 60))
        text[random.integers(len(text))] = 11 - number % 2
        texts.append(np.concatenate([[1], text]))
        labels.append(number % 2)
    return weighted(texts, np.array(labels), 1.0)


@pytest.fixture(scope="session")
def lessons() -> Lessons:
    return Lessons(TINY_TAUGHT, *(opinions(count, seed) for seed, count in enumerate((60, 40, 150, 10, 50), 1)))
