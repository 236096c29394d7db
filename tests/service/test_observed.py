"""Numbers added up, and what prometheus_client makes of them."""

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from service.observed import Count, Observations

BOUNDS = (0.1, 1, 2.5)


def histogram() -> tuple[Histogram, CollectorRegistry]:
    registry = CollectorRegistry()
    return Histogram("seconds", "Seconds.", buckets=BOUNDS, registry=registry), registry


def samples(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#") and "_created" not in line]


@pytest.mark.parametrize("rounds", [1, 3])
def test_observations_are_those_that_the_histogram_would_have_made(rounds: int) -> None:
    chance = np.random.default_rng(5)
    values = [*BOUNDS, 0.0, 2.6, 1e6, *chance.uniform(0, 4, 100).tolist()]
    (direct, expected), (later, passed_on) = histogram(), histogram()
    observations = Observations(later)
    for _ in range(rounds):
        for value in values:
            direct.observe(value)
            observations.add(value)
        observations.pass_on()
    *counts, total = (line.split() for line in samples(passed_on))
    *expected_counts, expected_total = (line.split() for line in samples(expected))
    assert counts == expected_counts
    assert total[0] == expected_total[0]
    assert float(total[1]) == pytest.approx(float(expected_total[1]))


def test_nothing_is_told_before_it_is_passed_on_and_nothing_twice() -> None:
    registry = CollectorRegistry()
    count = Count(Counter("requests", "Requests.", registry=registry))
    count.value += 3
    assert samples(registry) == ["requests_total 0.0"]
    for _ in range(2):
        count.pass_on()
        assert samples(registry) == ["requests_total 3.0"]
    count.value += 1
    count.pass_on()
    assert samples(registry) == ["requests_total 4.0"]
