import pytest

from service.inference.predictor import Prediction
from service.monitoring.shadow_tally import ShadowTally, wilson_interval


def answer(probability: float) -> Prediction:
    return Prediction("positive" if probability >= 0.5 else "negative", probability, 1, 1, False)


@pytest.mark.parametrize(
    ("hits", "trials", "interval"),
    [  # from R: prop.test(hits, trials, correct = FALSE)$conf.int
        (0, 10, (0.0, 0.2775328)),
        (10, 10, (0.7224672, 1.0)),
        (5, 100, (0.0215437, 0.1117505)),
        (500, 1_000, (0.4690701, 0.5309299)),
    ],
)
def test_a_share_has_wilsons_interval(hits: int, trials: int, interval: tuple[float, float]) -> None:
    assert wilson_interval(hits, trials) == pytest.approx(interval, abs=1e-6)


def test_processes_add_up() -> None:
    both, one, other = ShadowTally(), ShadowTally(), ShadowTally()
    for tally, before, after, flip in ((one, 0.9, 0.8, False), (other, 0.7, 0.2, True), (other, 0.1, 0.1, False)):
        for each in (both, tally):
            each.compare(answer(before), answer(after), flip)
            each.shadow_seconds.add(0.001)
            each.dropped += 1
    total = ShadowTally.of_fields(other.fields())
    total.merge(one)
    assert total == both
    assert (total.texts, total.flips, total.dropped, total.largest) == (3, 1, 3, 0.7 - 0.2)
    assert total.differences.mean == pytest.approx(0.2)
