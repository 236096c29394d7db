"""Answers of the committed bundles stay what they were when they were recorded."""

import json
from pathlib import Path

import pytest

from tests.service.inference.golden.answers import BUNDLES, answers, recorded_file

# onnxruntime sums float32 in another order on other processors; on one processor the answers are the same to the last
# digit, which `python -m tests.service.inference.golden --exact` checks.
TOLERANCE = {"reference": 2e-5, "float32": 2e-6, "int8": 2e-3}


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: f"{bundle.parent.name}-{bundle.name}")
def test_answers_are_the_recorded_ones(bundle: Path) -> None:
    recorded = json.loads(recorded_file(bundle).read_text())
    now = answers(bundle)
    assert now.keys() == recorded.keys()
    assert now.pop("counts") == recorded.pop("counts")
    for precision, probabilities in now.items():
        assert probabilities == pytest.approx(recorded[precision], abs=TOLERANCE[precision]), precision
