"""The texts that the network learns from, each with the probability that it is positive."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


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
