import math

import numpy as np
import pytest

from service.monitoring.stability import population_stability_index


def test_it_is_the_sum_over_shares() -> None:
    expected, observed = [600_000, 300_000, 100_000], np.array([500_000, 250_000, 250_000])
    by_hand = sum((o - e) * math.log(o / e) for e, o in ((0.6, 0.5), (0.3, 0.25), (0.1, 0.25)))
    assert population_stability_index(expected, observed) == pytest.approx(by_hand, rel=1e-4)


def test_an_empty_bin_counts_for_much_and_not_for_infinity() -> None:
    index = population_stability_index([500, 500, 0], np.array([0, 500, 500]))
    assert 3 < index < 15
    assert population_stability_index([0, 0, 1_000], np.array([0, 0, 500])) < 0.01


def test_chance_alone_stays_quiet_where_there_are_enough_texts() -> None:
    draw = np.random.default_rng(1)
    shares = np.full(10, 0.1)
    indices = [
        population_stability_index(draw.multinomial(1_000, shares), draw.multinomial(500, shares)) for _ in range(500)
    ]
    assert np.mean(indices) == pytest.approx(9 * (1 / 1_000 + 1 / 500), rel=0.1)
    assert max(indices) < 0.1
