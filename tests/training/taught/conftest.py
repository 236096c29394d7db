"""A recipe small enough to be trained on in seconds."""

from dataclasses import replace

import pytest

from tests.training.conftest import opinions
from training.recipes import TAUGHT
from training.taught.lessons import Lessons

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


@pytest.fixture(scope="session")
def lessons() -> Lessons:
    return Lessons(TINY_TAUGHT, *(opinions(count, seed) for seed, count in enumerate((60, 40, 150, 10, 50), 1)))
