"""The population stability index: how far a distribution has moved from another one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PSEUDOCOUNT = 0.5
"""Added to each bin, so that an empty one counts for much and not for infinity (Jeffreys' prior)."""


def population_stability_index(expected: Sequence[int] | NDArray[np.int64], observed: NDArray[np.int64]) -> float:
    """Compute the index of two histograms with the same bins: the sum of (o - e) ln(o / e) over their shares.

    Below 0.1 nothing has changed that matters, above 0.25 much has. With so many texts that only chance differs it is
    about (bins - 1) (1 / expected texts + 1 / observed texts).

    Source: Siddiqi, "Credit Risk Scorecards", 2006; the size of chance: Yurdakul, "Statistical Properties of Population
    Stability Index", 2018.

    Args:
        expected: texts in each bin of the reference.
        observed: texts in each bin now.
    """
    wanted, there = (
        (counts + PSEUDOCOUNT) / (counts.sum() + PSEUDOCOUNT * len(counts))
        for counts in (np.asarray(expected, np.float64), observed.astype(np.float64))
    )
    return float(((there - wanted) * np.log(there / wanted)).sum())
