"""Joining the answers of several teachers."""

from pathlib import Path

import numpy as np

from tests.training.rated.conftest import LABELLED, RATED
from training.rated.joining import joined_answers
from training.rated.sources import read_sources


def test_a_teacher_that_is_right_counts_and_one_that_guesses_does_not(nsmc_folder: Path) -> None:
    sources, random = read_sources(nsmc_folder, 0.2), np.random.default_rng(1)
    count = LABELLED + RATED
    signs = np.concatenate([2.0 * sources.labelled.labels - 1, random.choice([-1.0, 1.0], RATED)])
    knowing = (signs + random.normal(0, 0.8, count)).astype(np.float32)
    guessing, other = (random.normal(0, 1, count).astype(np.float32) for _ in range(2))
    teacher_of = np.arange(LABELLED) % 2
    joined = joined_answers(sources, [knowing, guessing], [other], teacher_of)
    assert joined.shape == (count,)
    assert ((joined > 0) == (signs > 0))[LABELLED:].mean() > 0.8
    fitted = sources.fitted
    by_knowing, by_guessing = fitted[teacher_of[fitted] == 0], fitted[teacher_of[fitted] == 1]
    # A review whose label was learnt is answered by the teacher that has not seen it, whatever the others say.
    assert abs(np.corrcoef(joined[by_knowing], knowing[by_knowing])[0, 1]) > 0.999
    assert abs(np.corrcoef(joined[by_guessing], guessing[by_guessing])[0, 1]) > 0.999
