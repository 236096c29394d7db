"""Powers of the length."""

from math import log

import numpy as np

from training.wide_deep.lengths import length_powers


def test_the_shortest_and_longest_texts_count_as_a_little_longer_and_shorter() -> None:
    powers = length_powers(np.array([1, 4, 800, 1_000]))
    np.testing.assert_allclose(powers[:, 1], [log(4 / 30), log(4 / 30), log(800 / 30), log(800 / 30)])
    np.testing.assert_allclose(powers[:, 2], powers[:, 1] ** 2)
    assert (powers[:, 0] == 1).all()
