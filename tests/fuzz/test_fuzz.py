"""A minute of what `python -m tests.fuzz` does for hours."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.fuzz.__main__ import TARGETS

EXAMPLES = {"exchanges": 150, "bundle_files": 100, "manifests": 150}
"""Number of examples of the slow targets; the others have 300."""


@pytest.mark.parametrize("target", TARGETS.values(), ids=[*TARGETS])
def test_nothing_unforeseen_comes_of_any_input(target: Callable[[], Any]) -> None:
    bounded = settings(
        max_examples=EXAMPLES.get(target.__name__, 300),
        deadline=None,
        derandomize=True,  # the search for new inputs is `make fuzz`; a change is not to fail by chance
        suppress_health_check=[*HealthCheck],
    )
    bounded(target)()
