from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from service.inference.histograms import FeatureHistogram, TextHistograms

HALVES = {"bounds": [0.5], "counts": [4, 6]}
FIELDS = {"source": "test", "texts": 10, **dict.fromkeys(("probability", "length", "known_words", "label"), HALVES)}


def test_a_bin_includes_its_lower_bound_and_the_last_ones_are_open() -> None:
    histogram = FeatureHistogram(bounds=(0.25, 0.5), counts=(1, 1, 1))
    assert histogram.count(np.array([-9.0, 0.25, 0.4, 0.5, 1e9])).tolist() == [1, 2, 2]
    assert histogram.count(np.empty(0)).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"probability": {"bounds": [0.5, 0.5], "counts": [1, 2, 7]}}, "finite and rising"),
        ({"probability": {"bounds": [float("nan")], "counts": [4, 6]}}, "finite and rising"),
        ({"probability": {"bounds": [float("inf")], "counts": [4, 6]}}, "finite and rising"),
        ({"probability": {"bounds": [], "counts": [10]}}, "at least 1 item"),
        ({"probability": {"bounds": [0.5], "counts": [10]}}, "1 bounds make 2 bins, not 1"),
        ({"probability": {"bounds": [0.5], "counts": [-1, 11]}}, "greater than or equal to 0"),
        ({"probability": {"bounds": [*range(101)], "counts": [1] * 102}}, "at most 100 items"),
        ({"length": {"bounds": [0.5], "counts": [4, 7]}}, "length counts 11 texts, not 10"),
        ({"words": HALVES}, "Extra inputs"),
        ({"texts": 0}, "greater than or equal to 1"),
    ],
)
def test_histograms_that_cannot_be_compared_with_are_refused(changes: dict[str, Any], reason: str) -> None:
    assert TextHistograms.model_validate(FIELDS)
    with pytest.raises(ValidationError, match=reason):
        TextHistograms.model_validate({**FIELDS, **changes})
