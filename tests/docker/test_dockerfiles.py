"""Files that the Dockerfiles copy, and `.dockerignore`, which keeps others from the builder."""

import re
from fnmatch import fnmatch
from pathlib import Path
from string import Template

import pytest

from tests.docker.conftest import ROOT

DOCKERFILES = [ROOT / "Dockerfile", *sorted((ROOT / "docker").glob("*.Dockerfile"))]


def sent(path: str) -> bool:
    """Decide as `.dockerignore` does, by the last line about a file or folder, if the builder gets it."""
    answer = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and (fnmatch(path, pattern) or path.startswith(f"{pattern}/")):
            answer = line.startswith("!")
    return answer


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_what_is_copied_exists_and_is_sent(dockerfile: Path) -> None:
    text = dockerfile.read_text()
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", text, re.M)
    values = dict(re.findall(r"^ARG (\w+)=(\S+)", text, re.M))
    sources = [Template(source.rstrip("/")).substitute(values) for line in copied for source in line.split()]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert sent(source), f"{source} is excluded by .dockerignore"


def test_a_file_that_no_image_needs_is_not_sent() -> None:
    assert not sent("README.md")
    assert not sent("training/first_sentences.csv")
