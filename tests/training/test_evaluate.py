"""The figures of the report, on answers few enough to work them out by hand."""

import json
from math import isnan, log
from typing import Any

import numpy as np
import pytest

from training.evaluate import Answers, calibration_bins, metrics


def answers(probabilities: list[float], labels: list[int], lengths: list[int] | None = None) -> Answers:
    return Answers(np.array(probabilities), np.array(labels), np.array(lengths or [50] * len(labels)))


# Two negatives (one called positive), three positives (one called negative).
FIVE = answers([0.1, 0.7, 0.9, 0.8, 0.4], [0, 0, 1, 1, 1])


@pytest.fixture(scope="module")
def five() -> dict[str, Any]:
    return metrics(FIVE, 0.5)


def test_accuracy_is_the_share_of_right_labels(five: dict[str, Any]) -> None:
    assert five["reviews"] == 5
    assert five["accuracy"] == pytest.approx(3 / 5)
    assert five["predicted_positive"] == pytest.approx(3 / 5)


def test_confusion_has_a_row_for_what_is_and_a_column_for_what_was_said(five: dict[str, Any]) -> None:
    assert five["confusion"] == [[1, 1], [1, 2]]
    assert metrics(answers([0.9, 0.9, 0.9, 0.1], [0, 0, 0, 1]), 0.5)["confusion"] == [[0, 3], [1, 0]]


def test_loss_is_the_mean_negative_logarithm_of_the_right_labels_probability(five: dict[str, Any]) -> None:
    assert five["loss"] == pytest.approx(-(log(0.9) + log(0.3) + log(0.9) + log(0.8) + log(0.4)) / 5)


def test_auc_is_the_share_of_pairs_in_the_right_order(five: dict[str, Any]) -> None:
    # Of 2 x 3 pairs (negative, positive) one is in the wrong order: 0.7 before 0.4.
    assert five["auc"] == pytest.approx(5 / 6)


def test_a_probability_at_the_threshold_is_positive() -> None:
    at, below = 0.5, np.nextafter(0.5, 0)
    assert metrics(answers([at, below], [1, 0]), 0.5)["confusion"] == [[1, 0], [0, 1]]
    assert metrics(answers([0.7, 0.6], [1, 0]), 0.7)["accuracy"] == 1
    assert metrics(answers([0.7, 0.6], [1, 0]), 0.6)["accuracy"] == 0.5


def test_calibration_groups_fifteenths_and_a_certain_answer_joins_the_last() -> None:
    given = answers([0.0, 0.06, 0.07, 0.95, 1.0, 1.0], [0, 1, 1, 1, 1, 0])
    bins = calibration_bins(given)
    assert [bin_["reviews"] for bin_ in bins] == [2, 1, 3]  # below 1/15 = 0.0667, below 2/15, from 14/15 = 0.933
    assert [bin_["mean_probability"] for bin_ in bins] == pytest.approx([0.03, 0.07, 2.95 / 3])
    assert [bin_["share_positive"] for bin_ in bins] == pytest.approx([0.5, 1, 2 / 3])


def test_calibration_error_weighs_each_group_by_its_size() -> None:
    # 0.9 three times, two of them positive: gap 0.9 - 2/3; 0.2 once, negative: gap 0.2.
    measured = metrics(answers([0.9, 0.9, 0.9, 0.2], [1, 1, 0, 0]), 0.5)
    assert measured["calibration_error"] == pytest.approx((3 * (0.9 - 2 / 3) + 1 * 0.2) / 4)


def test_lengths_are_grouped_with_their_upper_bound_inside() -> None:
    lengths = [1, 100, 101, 150, 151, 300, 301, 1000, 1001, 2494]
    probabilities = [0.9, 0.9, 0.1, 0.9, 0.1, 0.9, 0.9, 0.9, 0.1, 0.9]
    rows = metrics(answers(probabilities, [1, 0] * 5, lengths), 0.5)["by_length"]
    assert [(row["from"], row["to"], row["reviews"], row["accuracy"]) for row in rows] == [
        (1, 100, 2, 0.5),
        (101, 150, 2, 0.0),
        (151, 200, 1, 0.0),
        (251, 300, 1, 0.0),
        (301, 400, 1, 1.0),
        (601, 1000, 1, 0.0),
        (1001, None, 2, 0.0),
    ]


def test_the_report_is_plain_json(five: dict[str, Any]) -> None:
    assert json.loads(json.dumps(five)) == five


def test_lengths_may_be_grouped_otherwise() -> None:
    rows = metrics(answers([0.9, 0.9, 0.1], [1, 0, 1], [0, 5, 6]), 0.5, (-1, 5))["by_length"]
    assert [(row["from"], row["to"], row["reviews"], row["accuracy"]) for row in rows] == [
        (0, 5, 2, 0.5),
        (6, None, 1, 0.0),
    ]


def test_reviews_of_one_class_have_no_auc() -> None:
    assert isnan(metrics(answers([0.9, 0.2], [1, 1]), 0.5)["auc"])


def test_short_texts_have_shorter_bins_of_length() -> None:
    lengths = np.array([5, 12, 12, 140])
    answers = Answers(np.full(4, 0.9), np.array([1, 0, 1, 1]), lengths)
    bins = [(row["from"], row["to"], row["reviews"]) for row in metrics(answers, 0.5)["by_length"]]
    assert bins == [(1, 10, 1), (11, 20, 2), (101, None, 1)]
