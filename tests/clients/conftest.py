"""Fixtures for the tests of client distributions."""

from pathlib import Path

import pytest

from tests.service.conftest import BundleFolder, write_small_bundle


@pytest.fixture
def small(tmp_path: Path) -> BundleFolder:
    return write_small_bundle(tmp_path / "models")
