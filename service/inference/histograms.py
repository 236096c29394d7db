"""The reference histograms of a bundle: what the model made of texts like those that it was trained on."""

import math
from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

FEATURES = ("probability", "length", "known_words", "label")
"""Features counted of each text: the probability of the positive label, the token ids before any cut, the share of its
words that the model has a vector for, and the label, 0 or 1."""

MAX_BOUNDS = 100


class FeatureHistogram(BaseModel):
    """The histogram of one number of each text. A bin includes its lower bound; the first and the last are open."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bounds: tuple[float, ...] = Field(min_length=1, max_length=MAX_BOUNDS, description="Between the bins, rising.")
    counts: tuple[Annotated[int, Field(strict=True, ge=0)], ...] = Field(description="Texts in each bin.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not all(map(math.isfinite, self.bounds)) or list(self.bounds) != sorted(set(self.bounds)):
            raise ValueError("the bounds should be finite and rising")
        if len(self.counts) != len(self.bounds) + 1:
            raise ValueError(f"{len(self.bounds)} bounds make {len(self.bounds) + 1} bins, not {len(self.counts)}")
        return self

    def count(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Count values float64[n] in the same bins, int64[bins]."""
        return binned(self.bounds, values)


class TextHistograms(BaseModel):
    """The reference histograms: of texts that the model was not trained on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(min_length=1, max_length=200, description="The texts, in a few words.")
    texts: int = Field(strict=True, ge=1, description="Number of texts.")
    probability: FeatureHistogram
    length: FeatureHistogram
    known_words: FeatureHistogram
    label: FeatureHistogram

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, histogram in self.features().items():
            if sum(histogram.counts) != self.texts:
                raise ValueError(f"{name} counts {sum(histogram.counts):,} texts, not {self.texts:,}")
        return self

    def features(self) -> dict[str, FeatureHistogram]:
        """Return the histograms by `FEATURES`."""
        return {name: getattr(self, name) for name in FEATURES}


def binned(bounds: Sequence[float], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count values float64[n] in the bins between bounds, int64[bounds + 1]; a bin includes its lower bound."""
    return np.bincount(np.searchsorted(bounds, values, side="right"), minlength=len(bounds) + 1)
