"""Hold texts out, so that each label has its share and no group stands on both sides."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from training.errors import DataError

FOLDS = 5
"""Parts of the texts; one of them is held out."""

Ints = NDArray[np.int64]


def folds(labels: Ints, groups: Sequence[str] | None, seed: int) -> list[tuple[Ints, Ints]]:
    """Part texts into `FOLDS` folds, stratified by label and, if there are groups, with each group in one fold.

    Args:
        labels: int64[n].
        groups: of each text, or None.
        seed: of the shuffle.

    Returns:
        For each fold the numbers of the other texts and of its own.

    Raises:
        DataError: there are too few groups, or a fold has texts of one label only.
    """
    if groups is None:
        splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    elif len(set(groups)) < FOLDS:
        raise DataError(f"The group column has {len(set(groups))} different values; at least {FOLDS} are needed.")
    else:
        splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    parts = list(splitter.split(np.zeros(len(labels)), labels, groups))
    if any(len(set(labels[side].tolist())) < 2 for part in parts for side in part):
        raise DataError(
            "The groups are too uneven: a fifth of them has texts of one label only. Leave --group-column out."
        )
    return parts
