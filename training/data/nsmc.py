"""Read the Naver sentiment movie corpus: 150,000 + 50,000 short Korean reviews, from a folder.

Source: Lucy Park, https://github.com/e9t/nsmc, version 1.0 (CC0).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError

_HEADER = "id\tdocument\tlabel"


@dataclass(frozen=True)
class Published:
    """Describe a file as it was published."""

    name: str
    reviews: int
    sha256: str


PUBLISHED = {
    "train": Published(
        "ratings_train.txt", 150_000, "e03b7d14e9e41be8d464a28057cd25d7396c53e67aa7fd5f7e552c59b0ee2940"
    ),
    "test": Published("ratings_test.txt", 50_000, "8ac9f64052f11dbf6ae0acb5e038f03d90a76f0eda7820cfb3a92d02edfcebda"),
}
"""The file of each split."""


@dataclass(frozen=True)
class RawSplit:
    """Hold a split as it was published.

    Attributes:
        texts: as they were written; a few are empty.
        labels: int64[n], 1 = positive.
    """

    texts: list[str]
    labels: NDArray[np.int64]

    def first(self, number: int | None) -> "RawSplit":
        """Return the first `number` reviews; None returns all."""
        return RawSplit(self.texts[:number], self.labels[:number])


def read_reviews(data_dir: Path | None, published: Mapping[str, Published] = PUBLISHED) -> tuple[RawSplit, RawSplit]:
    """Read the training and the test reviews, in the order of their files.

    Args:
        data_dir: folder with `ratings_train.txt` and `ratings_test.txt`.
        published: what these files are.

    Raises:
        DataError: there is no folder, or a file is missing, damaged or foreign.
    """
    if data_dir is None:
        names = " and ".join(file.name for file in published.values())
        raise DataError(f"There is no data folder: --data-dir or NSMC_DATA_DIR names the one with {names}.")
    return _read_split(data_dir, published["train"]), _read_split(data_dir, published["test"])


def _read_split(data_dir: Path, published: Published) -> RawSplit:
    path = data_dir / published.name
    try:
        content = path.read_bytes()
        lines = content.decode().removesuffix("\n").split("\n")
    except OSError as error:
        names = " and ".join(file.name for file in PUBLISHED.values())
        raise DataError(f"{path} cannot be read ({error.strerror}); the data folder needs {names}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is damaged: byte {error.start:,} is not UTF-8.") from error
    if lines[0] != _HEADER:
        raise DataError(f"{path} is not of the NSMC: its first line is {lines[0][:40]!r}, not {_HEADER!r}.")
    reviews = _rows(path, lines[1:])
    if len(reviews.texts) != published.reviews:
        raise DataError(f"{path} is cut or foreign: it has {len(reviews.texts):,} reviews of {published.reviews:,}.")
    if sha256(content).hexdigest() != published.sha256:
        raise DataError(f"{path} has the shape of the published file but not its content: the SHA-256 differs.")
    return reviews


def _rows(path: Path, lines: Iterable[str]) -> RawSplit:
    """Split the lines at tabs. Quotes have no meaning: the published texts have them doubled."""
    texts, labels = [], []
    for number, line in enumerate(lines, start=2):
        fields = line.split("\t")
        if len(fields) != 3:
            raise DataError(f"{path} is damaged: line {number:,} has {len(fields)} fields, not id, document, label.")
        if fields[2] not in ("0", "1"):
            label = fields[2][:20]
            raise DataError(f"{path} is not of the NSMC: the label in line {number:,} is {label!r}, not 0 or 1.")
        texts.append(fields[1])
        labels.append(int(fields[2]))
    return RawSplit(texts, np.array(labels, np.int64))
