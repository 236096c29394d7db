"""The split of requests among the versions of a model."""

from bisect import bisect
from collections.abc import Mapping
from hashlib import sha256
from itertools import accumulate

from service.chance import CHANCE
from service.inference.predictor import Predictor


class Split:
    """The versions that answer the requests which name none.

    Args:
        name: of the model; each model divides the same keys in a way of its own.
        shares: share of each version, summing to 1, in the order in which they divide the keys: when the share of the
            last one grows, the keys that it had stay with it.
    """

    def __init__(self, name: str, shares: Mapping[Predictor, float]) -> None:
        self._name = name
        self._predictors = [predictor for predictor, share in shares.items() if share > 0]
        self._bounds = [*accumulate(shares[predictor] for predictor in self._predictors)][:-1]
        self.shares = shares
        self.main = max(shares, key=lambda predictor: shares[predictor])
        """The version with the largest share, the first of several."""

    @property
    def divides(self) -> bool:
        """Tell whether there is more than one version to choose from."""
        return len(self._predictors) > 1

    def choose(self, key: str | None) -> Predictor:
        """Choose the version of a request.

        Args:
            key: requests with the same key get the same version, in every process and after each restart; without
                one each request is chosen for by itself.
        """
        if not self.divides:
            return self.main
        return self._predictors[bisect(self._bounds, self._point(key) if key else CHANCE.random())]

    def _point(self, key: str) -> float:
        """Map a key to a number from 0 to 1, evenly, by the first eight bytes of a SHA-256."""
        digest = sha256(f"{self._name}\0{key}".encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8]) / 2**64
