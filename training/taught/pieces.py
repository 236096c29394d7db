"""Cut reviews into runs of sentences, in an order and of lengths that a seed decides."""

from collections.abc import Sequence

import numpy as np

from training.taught.reviews import sentences


def random_piece(review: str, words: tuple[int, int], random: np.random.Generator) -> str:
    """Draw a run of whole sentences of a review with about as many words as drawn.

    Args:
        review: raw text.
        words: the fewest and the most; the logarithm of their number is uniform.
        random: where the run begins and how long it is.
    """
    parts = sentences(review) or [review]
    wanted = np.exp(random.uniform(*np.log(words)))
    first = int(random.integers(len(parts)))
    piece = parts[first : first + 1]
    count = len(piece[0].split())
    for part in parts[first + 1 :]:
        count += len(part.split())
        if count > wanted:
            break
        piece.append(part)
    return " ".join(piece)


def runs(review: str, sizes: Sequence[float], random: np.random.Generator) -> list[str]:
    """Cut a review into runs of sentences that follow each other.

    Args:
        review: raw text.
        sizes: probabilities that a run has 1, 2, ... sentences.
        random: how many each has.
    """
    parts, cut, first = sentences(review), [], 0
    while first < len(parts):
        size = int(random.choice(len(sizes), p=sizes)) + 1
        cut.append(" ".join(parts[first : first + size]))
        first += size
    return cut


def batches_of_like_length(lengths: Sequence[int], budget: int, random: np.random.Generator) -> list[list[int]]:
    """Group texts of like length, in a random order of batches.

    Args:
        lengths: tokens of each text.
        budget: tokens of a batch, its padding counted, unless one text has more.
        random: the order.
    """
    order = random.permutation(len(lengths))
    order = order[np.argsort(np.asarray(lengths)[order], kind="stable")]
    batches: list[list[int]] = []
    for row in order.tolist():
        if not batches or (len(batches[-1]) + 1) * lengths[row] > budget:
            batches.append([])
        batches[-1].append(row)
    return [batches[i] for i in random.permutation(len(batches))]
