"""Join what several teachers say, by what they say of reviews that none of them has seen."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from training.rated.sources import RatedSources

Floats = NDArray[np.float32]


def joined_answers(
    sources: RatedSources, recurrent: Sequence[Floats], others: Sequence[Floats], teacher_of: NDArray[np.int64]
) -> Floats:
    """Join the teachers' logits, float32[texts].

    A review whose label was learnt has the answer of the one teacher that has not seen it.

    Args:
        sources: the texts.
        recurrent: logits of the teachers that were each trained without a share of the labels, float32[texts] each.
        others: logits of further teachers.
        teacher_of: of each labelled review the number of the recurrent teacher that has not seen its label.
    """
    held_out, labels = sources.held_out, sources.labelled.labels[sources.held_out]

    def calibrated(logits: Sequence[Floats]) -> NDArray[np.float64]:
        columns = np.column_stack(logits)
        fit = LogisticRegression(C=np.inf).fit(columns[held_out], labels)
        return np.asarray(fit.decision_function(columns), np.float64)

    joined = calibrated([*recurrent, *others])
    right = ((joined[held_out] > 0) == (labels == 1)).mean()
    print(f"The teachers together are right on {right:.4f} of the reviews held out, which joined them")
    for number, logits in enumerate(recurrent):
        unseen = sources.fitted[teacher_of[sources.fitted] == number]
        joined[unseen] = calibrated([logits])[unseen]
    return joined.astype(np.float32)
