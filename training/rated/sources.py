"""Collect what teacher and network learn from: labelled reviews, reviews with ratings, and which are held out."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data import nsmc
from training.data.nsmc import RawSplit
from training.data.nsmc_rated import RatedReviews, read_rated
from training.wide_deep.held_out import held_out_split

Ints = NDArray[np.int64]

_NO_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class RatedSources:
    """Hold the texts.

    Attributes:
        labelled: the training reviews.
        rated: further reviews with ratings.
        fitted, held_out: numbers of labelled reviews.
    """

    labelled: RawSplit
    rated: RatedReviews
    fitted: Ints
    held_out: Ints

    @cached_property
    def unlike(self) -> Ints:
        """The numbers of the rated reviews that say the same as no review held out, int64[n].

        The file is without those that say the same as a test review, so that a held-out review is judged likewise.
        """
        judged = {letters(self.labelled.texts[row]) for row in self.held_out}
        return np.flatnonzero([letters(text) not in judged for text in self.rated.texts])

    @cached_property
    def texts(self) -> list[str]:
        """All texts, the labelled ones first."""
        return [*self.labelled.texts, *self.rated.texts]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all texts."""
        return hashlib.sha256("\0".join(self.texts).encode()).hexdigest()


def read_sources(data_dir: Path, validation_share: float) -> RatedSources:
    """Read both files.

    Args:
        data_dir: folder with them.
        validation_share: of the labelled reviews, held out.

    Raises:
        DataError: a file is missing or damaged.
    """
    labelled, _ = nsmc.read_reviews(data_dir)
    fitted, held_out = held_out_split(validation_share, len(labelled.texts))
    return RatedSources(labelled, read_rated(data_dir), fitted, held_out)


def letters(text: str) -> str:
    """Return the letters and digits of a text alone, small ones."""
    return _NO_LETTERS.sub("", unicodedata.normalize("NFKC", text)).lower()
