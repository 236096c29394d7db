"""Read further reviews of the site that the Naver sentiment movie corpus is from, with their ratings, from a folder.

Source: the crawl behind Lucy Park's corpus, https://github.com/e9t/nsmc (CC0), without every review that the corpus
holds and without those that say the same as one of its test reviews.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray

from training.data.nsmc import Published
from training.errors import DataError

RATED = Published("more.parquet", 481_136, "040c96e0cd467ab4f8b41e6ed048b3a3e2826bec851d47a39011f7af30189670")
"""The file."""


@dataclass(frozen=True)
class RatedReviews:
    """Hold reviews with ratings.

    Attributes:
        texts: as they were written.
        ratings: 1 to 10, int64[n].
    """

    texts: list[str]
    ratings: NDArray[np.int64]


def read_rated(data_dir: Path, file: Published = RATED) -> RatedReviews:
    """Read the reviews in the order of the file.

    Args:
        data_dir: folder with the file.
        file: what it is.

    Raises:
        DataError: the file is missing, damaged or foreign.
    """
    path = data_dir / file.name
    try:
        content = path.read_bytes()
        table = pyarrow.parquet.read_table(pyarrow.BufferReader(content), columns=["text", "rating"])
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"{path} cannot be read ({error}). NSMC_DATA_DIR names the folder with {file.name}; the recipe "
            "korean-standard does without it."
        ) from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise DataError(f"{path} is damaged or another file: its SHA-256 is not that of the {file.reviews:,} reviews.")
    return RatedReviews(table["text"].to_pylist(), np.array(table["rating"].to_pylist(), np.int64))
