"""Powers of a text's length, by which scores are weighed."""

import numpy as np
from numpy.typing import NDArray

SHORTEST, LONGEST, USUAL = 4, 800, 30
"""Token ids: texts count as no shorter and no longer than this; and the length whose logarithm is called 0."""


def length_powers(ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute 1, u and u^2 of texts of so many token ids, float64[n, 3], u being the logarithm of ids / 30."""
    u = np.log(np.clip(ids, SHORTEST, LONGEST) / USUAL)
    return np.stack([np.ones_like(u), u, u * u], axis=1)
