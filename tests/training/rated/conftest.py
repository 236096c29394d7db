"""Small files in the shape of the corpus and of the reviews with ratings, and a recipe for them."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from training.data import nsmc, nsmc_rated
from training.data.nsmc import Published
from training.rated import sources
from training.recipes import KOREAN

LABELLED, TESTED, RATED = 200, 60, 120
GOOD, BAD = "좋다", "별로"

TINY_RATED = replace(
    KOREAN,
    name="tiny-rated",
    model_name="tiny-rated",
    num_words=20,
    maxlen=40,
    epochs=4,
    learning_rate=0.03,
    embedding_dim=4,
    kernel_sizes=(1, 2, 3),
    filters=8,
    ids_per_batch=400,
    max_ngrams=60,
    ngram_rate=0.1,
    min_texts=2,
    validation_share=0.2,
)


def review(random: np.random.Generator, positive: bool) -> str:
    words = random.choice(["영화", "배우", "그", "음악"], random.integers(2, 7)).tolist()
    words.insert(int(random.integers(len(words))), GOOD if positive else BAD)
    return " ".join(words)


def published(path: Path, reviews: int) -> Published:
    return Published(path.name, reviews, sha256(path.read_bytes()).hexdigest())


@pytest.fixture(scope="session")
def nsmc_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with such files, which are taken for the published ones."""
    folder, random = tmp_path_factory.mktemp("nsmc"), np.random.default_rng(3)
    files = {}
    for name, count in (("train", LABELLED), ("test", TESTED)):
        lines = [f"{row}\t{review(random, row % 2 == 1)}\t{row % 2}\n" for row in range(count)]
        path = folder / f"ratings_{name}.txt"
        path.write_text("id\tdocument\tlabel\n" + "".join(lines))
        files[name] = published(path, count)
    ratings = [1 + row % 10 for row in range(RATED)]
    texts = [review(random, rating > 6) for rating in ratings]
    path = folder / "more.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"rating": ratings, "text": texts}), path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nsmc, "read_reviews", partial(nsmc.read_reviews, published=files))
        read = partial(nsmc_rated.read_rated, file=published(path, RATED))
        patch.setattr(sources, "read_rated", read)
        yield folder
