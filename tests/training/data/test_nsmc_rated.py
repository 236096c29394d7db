"""The Korean reviews with ratings, from a folder."""

from hashlib import sha256
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from training.data.nsmc import Published
from training.data.nsmc_rated import RATED, read_rated
from training.errors import DataError

ROWS = {"id": [7, 8], "rating": [10, 2], "film": ["a", "b"], "text": ["좋다", "별로"]}


def write(folder: Path) -> Published:
    path = folder / "more.parquet"
    pyarrow.parquet.write_table(pyarrow.table(ROWS), path)
    return Published("more.parquet", 2, sha256(path.read_bytes()).hexdigest())


def test_texts_and_ratings_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    rated = read_rated(tmp_path, write(tmp_path))
    assert (rated.texts, rated.ratings.tolist()) == (["좋다", "별로"], [10, 2])


def test_the_real_reviews_are_all_there(nsmc_data_dir: Path) -> None:
    rated = read_rated(nsmc_data_dir)
    assert len(rated.texts) == len(rated.ratings) == RATED.reviews
    assert {*rated.ratings.tolist()} == set(range(1, 11))
    assert sum(rated.ratings <= 4) == 15_814


@pytest.mark.parametrize("content", [None, b"", b"PAR1 but cut"])
def test_without_the_file_the_recipe_that_needs_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / RATED.name).write_bytes(content)
    with pytest.raises(DataError, match=r"NSMC_DATA_DIR names the folder with more\.parquet; .*korean-standard"):
        read_rated(tmp_path)


def test_another_file_is_not_taken_for_the_published_one(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(DataError, match="its SHA-256 is not that of the 481,136 reviews"):
        read_rated(tmp_path)
