"""Texts with the probability that each is positive, and what the network reads of a text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.recipes import NetworkRecipe

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

TokenIds = Sequence[Sequence[int] | Ints] | NDArray[np.object_]
"""Token ids of texts, the start id first."""


@dataclass(frozen=True)
class Texts:
    """Texts with targets.

    Attributes:
        token_ids: of each, the start id first.
        targets: probabilities of positive, float32[n].
        weights: of each text in the loss, float32[n].
    """

    token_ids: list[Ints]
    targets: Floats
    weights: Floats

    def some(self, rows: Ints) -> "Texts":
        """Select texts by their numbers."""
        return Texts([self.token_ids[row] for row in rows.tolist()], self.targets[rows], self.weights[rows])


def weighted(token_ids: list[Ints], targets: NDArray[np.floating] | Ints, weight: float) -> Texts:
    """Give every text the same weight."""
    return Texts(token_ids, np.asarray(targets, np.float32), np.full(len(token_ids), weight, np.float32))


def together(parts: Sequence[Texts]) -> Texts:
    """Put sets of texts together."""
    return Texts(
        [ids for part in parts for ids in part.token_ids],
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def read_ids(recipe: NetworkRecipe, texts: TokenIds) -> list[Ints]:
    """Select the token ids that are read of each text: its last ones, where it has more."""
    return [np.asarray(text[-recipe.maxlen :], np.int64) for text in texts]


def read_lengths(recipe: NetworkRecipe, texts: TokenIds) -> Ints:
    """Count the token ids that are read of each text, int64[n]."""
    return np.minimum([len(text) for text in texts], recipe.maxlen)
