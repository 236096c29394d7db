"""Bundles that stores are made of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.conftest import write_small_bundle
from tests.service.stores import KINDS, WRITABLE, store_of


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    """A folder with two versions of a model."""
    folder = tmp_path / "bundles"
    write_small_bundle(folder)
    write_small_bundle(folder, version=2, bias=-3.0)
    return folder


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, bundles: Path) -> Iterator[str]:
    """The address of a store of each kind that holds the bundles."""
    with store_of(request.param, bundles) as address:
        yield address


@pytest.fixture(params=WRITABLE)
def writable(request: pytest.FixtureRequest, bundles: Path) -> Iterator[str]:
    """The same, of each kind that takes bundles."""
    with store_of(request.param, bundles) as address:
        yield address
