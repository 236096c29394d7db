"""Group texts of like length into batches, padded as the network reads them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.wide_deep.corpus import Ints


def batches_of_like_length(
    texts: Sequence[Ints], ids_per_batch: int, most_texts: int = 384, order: Ints | None = None, together: int = 4_096
) -> list[Ints]:
    """Group texts of like length by their numbers: a batch has at most so many ids, padding counted, or is one text.

    Args:
        texts: token ids of each.
        ids_per_batch: allowed.
        most_texts: in a batch.
        order: of the texts before they are sorted; as they come where there is none.
        together: number of texts that are sorted together, so that little is padding and chance remains.
    """
    lengths = np.array([len(text) for text in texts])
    order = np.arange(len(texts)) if order is None else order
    batches = []
    for start in range(0, len(order), together):
        group = order[start : start + together]
        group = group[np.argsort(lengths[group], kind="stable")]
        while len(group):
            sizes = (np.arange(len(group)) + 1) * lengths[group]
            count = max(1, min(int(np.searchsorted(sizes, ids_per_batch, side="right")), most_texts))
            batches.append(group[:count])
            group = group[count:]
    return batches


def padded(texts: Sequence[Ints]) -> NDArray[np.int32]:
    """Pad token ids of texts with 0 to the longest: int32[n, length]."""
    token_ids = np.zeros((len(texts), max(map(len, texts))), np.int32)
    for row, text in zip(token_ids, texts, strict=True):
        row[: len(text)] = text
    return token_ids
