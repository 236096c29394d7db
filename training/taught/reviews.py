"""Read the reviews of the data set as text: labelled ones in the order of the file, and those without labels."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray

from training.errors import DataError

LABELLED_FILE, UNLABELLED_FILE, WORD_INDEX_FILE = "reviews.parquet", "unlabelled.parquet", "imdb_word_index.json"

_BREAK = re.compile(r"\s*(?:<br />\s*)+")
_SENTENCE_END = re.compile(r"""(?<=[.!?])["')\]]*\s+|\n+""")


@dataclass(frozen=True)
class Reviews:
    """Reviews with labels.

    Attributes:
        texts: raw.
        labels: 1 = positive, int64[n].
    """

    texts: list[str]
    labels: NDArray[np.int64]


def read_labelled(data_dir: Path, split: str = "train") -> Reviews:
    """Read the reviews of a split in the order of the file, in which those of one label and film follow each other.

    Raises:
        DataError: the file is missing or damaged.
    """
    table = _read(data_dir / LABELLED_FILE, ["split", "label", "text"])
    rows = [row for row, its in enumerate(table["split"]) if its == split]
    return Reviews([table["text"][row] for row in rows], np.array([table["label"][row] for row in rows], np.int64))


def read_unlabelled(data_dir: Path) -> list[str]:
    """Read the reviews without labels.

    Raises:
        DataError: the file is missing or damaged.
    """
    texts: list[str] = _read(data_dir / UNLABELLED_FILE, ["text"])["text"]
    return texts


def read_word_index(data_dir: Path) -> dict[str, int]:
    """Read the words of the data set with their ranks, 1 being the most frequent.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        index: dict[str, int] = json.loads((data_dir / WORD_INDEX_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{data_dir / WORD_INDEX_FILE} cannot be read ({error}).") from error
    return index


def sentences(review: str) -> list[str]:
    """Split a review into sentences, at the end of a sentence and at line breaks."""
    text = _BREAK.sub("\n", review)
    return [part.strip() for part in _SENTENCE_END.split(text) if re.search(r"\w", part)]


def _read(path: Path, columns: list[str]) -> dict[str, list[Any]]:
    try:
        return pyarrow.parquet.read_table(path, columns=columns).to_pydict()  # type: ignore[no-any-return]
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read ({error}). IMDB_DATA_DIR names a folder with it.") from error
