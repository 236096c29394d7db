import pytest

from service.inference.histograms import FeatureHistogram, TextHistograms
from service.inference.predictor import Prediction
from service.monitoring import window as module
from service.monitoring.window import MAX_AGE_SECONDS, SLICE_SECONDS, SLICE_TEXTS, SLICES, Window

HALVES = FeatureHistogram(bounds=(0.5,), counts=(5, 5))
HISTOGRAMS = TextHistograms(
    source="test",
    texts=10,
    probability=HALVES,
    length=FeatureHistogram(bounds=(3.0, 6.0), counts=(2, 6, 2)),
    known_words=HALVES,
    label=HALVES,
)
GOOD = Prediction("positive", 0.9, 4, 3, False)
BAD = Prediction("negative", 0.1, 4, 1, False)
NO_WORDS = Prediction("negative", 0.5, 0, 0, False)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def window(clock: Clock) -> Window:
    return Window(HISTOGRAMS, "positive", clock)


def told(window: Window) -> dict[str, list[int]]:
    return {name: counts.tolist() for name, counts in window.counts().items()}


def positives(window: Window) -> int:
    return told(window)["label"][1]


def test_every_feature_of_a_text_is_counted(window: Window) -> None:
    assert window.began is None
    window.add([GOOD, BAD, NO_WORDS], [2, 3, 6])
    assert told(window) == {"probability": [1, 2], "length": [1, 1, 1], "known_words": [2, 1], "label": [2, 1]}
    window.add([GOOD], [2])
    assert told(window)["length"] == [2, 1, 1]


def test_many_texts_are_counted_at_once(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PENDING_TEXTS", 3)
    window.add([GOOD, GOOD], [2, 2])
    assert window.began is None
    window.add([GOOD], [2])
    assert window.began is not None
    assert window._lengths == []


def test_the_oldest_slice_goes_with_each_new_one(window: Window, clock: Clock) -> None:
    window.add([GOOD], [2])
    for number in range(SLICES):
        window.add([BAD] * SLICE_TEXTS, [2] * SLICE_TEXTS)
        assert positives(window) == 1, number
        clock.now += SLICE_SECONDS
    window.add([BAD], [2])
    assert told(window)["label"] == [(SLICES - 1) * SLICE_TEXTS + 1, 0]
    assert window.began == clock.now - (SLICES - 1) * SLICE_SECONDS


def test_where_few_texts_come_a_window_is_longer(window: Window, clock: Clock) -> None:
    for _ in range(SLICE_TEXTS - 1):
        window.add([GOOD], [2])
        window.counts()
        clock.now += SLICE_SECONDS
    assert positives(window) == SLICE_TEXTS - 1


def test_what_is_a_day_old_goes_without_new_texts(window: Window, clock: Clock) -> None:
    window.add([GOOD], [2])
    assert positives(window) == 1
    clock.now += MAX_AGE_SECONDS + 1
    assert positives(window) == 0
    assert window.began is None
