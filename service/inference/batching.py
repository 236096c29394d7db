"""The sizes and the order of what is computed together: the one home of batching.

A **request** is what one caller sends: any number of texts. A **job** is what one thread takes at a time: texts of one
or several requests to the same model. A **run** is one call of the graph: texts of one job of like length, padded to
the longest of them. A file is read, scored and answered one **window** of records at a time.
"""

from collections.abc import Sequence, Sized
from typing import TypeVar

MAX_JOB_TEXTS = 32
"""Texts of a job at most. A request with more is split into jobs, so that others find a place between them."""

MAX_JOB_CHARS = 200_000
"""Characters of a job at most, unless one text alone has more: tokenizing costs about 10 to 40 ns for each."""

MAX_INLINE_CHARS = 20_000
"""Characters of a job that is tokenized on the event loop, in half a millisecond; more are tokenized on a thread."""

MAX_INLINE_SECONDS = 0.002
"""Estimated time of its run up to which a lone text is computed on the event loop; a longer one is left to a thread."""

MAX_RUN_TEXTS, MAX_RUN_IDS = 32, 1_200
"""Texts of a run at most, and token ids, padding counted, unless one text has more. More ids in a run gain little; and
a small request waits for no more than one run."""

STREAM_WINDOW_TEXTS, STREAM_WINDOW_BYTES = 4 * MAX_JOB_TEXTS, 256_000
"""Records of a window of `POST /predict/batch`, enough for texts of like length to find each other, and the bytes at
which a window is full, however few records it has."""

STREAM_WINDOWS_AHEAD = 4
"""Windows that are read and scored ahead of what the client has taken."""

SCORE_WINDOW_TEXTS, SCORE_WINDOW_BYTES = 512, 4_000_000
"""Records of a window of the command `score`, and bytes of them at which a window is full: enough for every core, and
for texts of like length to find each other."""

SCORE_WINDOWS_AHEAD = 2
"""Windows that `score` reads and scores ahead of what is written."""

SCORE_JOB_TEXTS = 128
"""Texts of a job of `score`, where no other request waits for a place between two jobs; a job is sent to a process."""

Value = TypeVar("Value")


def by_length(items: Sequence[Sized]) -> list[int]:
    """Sort positions by the length of their items; equal lengths stay in order."""
    return sorted(range(len(items)), key=lambda position: len(items[position]))


def restored(positions: Sequence[int], values: Sequence[Value]) -> list[Value]:
    """Put values back into the order that their items had before they were sorted or divided.

    Args:
        positions: of the items, a permutation of 0 ... n - 1.
        values: one for each position, in the order of `positions`.
    """
    placed = dict(zip(positions, values, strict=True))
    return [placed[position] for position in range(len(placed))]
