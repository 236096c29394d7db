"""The files that containers are made and run from."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.-]+)?")
"""An image by a version, not by a name that moves."""


def seconds(duration: str) -> int:
    found = re.fullmatch(r"(\d+)s", duration)
    assert found, duration
    return int(found[1])


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


@pytest.fixture
def required_program() -> Callable[[str], str]:
    """Finds a program that these tests can do without, but a run in which nothing may be skipped cannot."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if not path:
            pytest.skip(f"{name} is not installed: apt-get install haproxy prometheus")
        return path

    return find
