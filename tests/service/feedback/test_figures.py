from pathlib import Path

import numpy as np
import pytest

from service.feedback.figures import iso_time, read_figures
from service.feedback.store import Store, StoredAnswer
from service.inference.predictor import ModelName
from service.settings import SettingsError
from tests.service.feedback.conftest import limits
from training.evaluate import Answers, metrics
from training.report.findings import interval

LABELS = ("negative", "positive")


def kept(database: Path, probabilities: list[float], labels: list[int], version: int = 1) -> None:
    store = Store(database, limits(answers=10_000))
    for number, (probability, label) in enumerate(zip(probabilities, labels, strict=True)):
        answer = StoredAnswer(ModelName("small", version), LABELS, probability >= 0.5, probability, 1_000, None)
        store.put(f"{version}-{number}", 0, answer, LABELS[label])
    store.close()


def test_they_are_those_of_an_evaluation(database: Path) -> None:
    random = np.random.default_rng(0)
    probabilities = [*random.random(400).astype(np.float32).astype(float).tolist(), 0.0, 1.0, 0.2, 0.6]
    labels = (random.random(404) < np.array(probabilities) ** 2).astype(int)
    kept(database, probabilities, labels.tolist())
    [figures] = read_figures(database)
    measured = metrics(Answers(np.array(probabilities), labels, np.ones(404, np.int64)), 0.5)
    assert figures.accuracy == pytest.approx(measured["accuracy"])
    assert figures.confusion == measured["confusion"]
    assert figures.calibration_error == pytest.approx(measured["calibration_error"], abs=1e-6)
    assert figures.accuracy_interval == pytest.approx(interval(measured["accuracy"], 404))


def test_versions_are_counted_apart(database: Path) -> None:
    kept(database, [0.9, 0.8], [1, 0], version=2)
    kept(database, [0.1], [0], version=1)
    assert [(str(each.model), each.texts, each.accuracy) for each in read_figures(database)] == [
        ("small/1", 1, 1.0),
        ("small/2", 2, 0.5),
    ]


def test_an_interval_stays_within_0_and_1(database: Path) -> None:
    kept(database, [0.9], [1])
    [figures] = read_figures(database)
    low, high = figures.accuracy_interval
    assert 0 < low < 0.3
    assert high == 1


def test_what_is_deleted_no_longer_counts(database: Path) -> None:
    kept(database, [0.123456789, 0.7], [0, 1])
    kept(database, [0.7, 0.7], [0, 0])  # in place of them
    [figures] = read_figures(database)
    assert figures.confusion == [[0, 2], [0, 0]]
    assert figures.calibration_error == pytest.approx(0.7)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.db cannot be used for feedback: there is no such file"):
        read_figures(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_times_are_in_utc() -> None:
    assert iso_time(0) == "1970-01-01T00:00:00Z"
