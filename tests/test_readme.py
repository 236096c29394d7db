"""The commands of the READMEs, run as they are written, and what they say comes back."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.service.conftest import MODELS_DIR
from tests.service.running import running

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.ko.md"]
ADDRESS = "127.0.0.1:8000"

# These are run elsewhere, each by a test of its own or by CI: servers, training, containers.
NOT_HERE = ("make ", "docker ", "SENTIMENT_MODELS_DIR=", ".venv/bin/python -m service serve")


@dataclass(frozen=True)
class Example:
    """A block of commands, and the block that shows their output, if there is one."""

    readme: str
    commands: str
    output: str | None

    def __str__(self) -> str:
        return f"{self.readme}: {self.commands.splitlines()[0][:60]}"


def examples() -> list[Example]:
    found = []
    for readme in READMES:
        text = (ROOT / readme).read_text()
        blocks = re.findall(r"^```(\w+)\n(.*?)^```\n(\s*^```(?:json|csv)\n(.*?)^```\n)?", text, re.M | re.S)
        found += [
            Example(readme, commands, output or None)
            for language, commands, _, output in blocks
            if (language == "sh" and not commands.startswith(NOT_HERE)) or language == "python"
        ]
    return found


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running("--models-dir", str(MODELS_DIR), "--workers", "1") as service:
        yield service.address.removeprefix("http://")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One folder for each README, in which a later example finds the files of an earlier one."""
    return {readme: tmp_path_factory.mktemp("readme") for readme in READMES}


def run(example: Example, address: str, folder: Path) -> str:
    commands = example.commands.replace(ADDRESS, address).replace(".venv/bin/python", sys.executable)
    program = (
        [sys.executable, "-c"] if commands.startswith(("import ", "from ")) else ["bash", "-euo", "pipefail", "-c"]
    )
    done = subprocess.run(
        [*program, commands.replace("curl ", "curl --silent --show-error ")],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "SENTIMENT_MODELS_DIR": str(MODELS_DIR)},
    )
    expected = 3 if " score reviews.csv" in commands else 0  # the file of the examples has a blank review
    assert done.returncode == expected, done.stderr
    return done.stdout


def with_rounded_numbers(text: str) -> str:
    """Probabilities to one digit: the others depend on the processor."""
    return re.sub(r"0\.\d+", lambda number: f"{float(number[0]):.1f}", text.strip())


@pytest.mark.parametrize("example", [e for e in examples() if "  # " in e.commands and "print(" in e.commands], ids=str)
def test_a_program_prints_what_its_comments_say(example: Example, address: str, tmp_path: Path) -> None:
    printed = run(example, address, tmp_path).splitlines()
    said = re.findall(r"print\(.*  # (.*)", example.commands)
    assert said
    for line in said:
        assert with_rounded_numbers(line) in map(with_rounded_numbers, printed)


@pytest.mark.parametrize("example", examples(), ids=str)
def test_an_example_does_what_the_readme_says(example: Example, address: str, folders: dict[str, Path]) -> None:
    output = run(example, address, folders[example.readme])
    if example.output is None:
        return
    if example.output.startswith("{"):
        assert json.loads(with_rounded_numbers(output)) == json.loads(with_rounded_numbers(example.output))
    else:
        assert with_rounded_numbers(output.replace("\r\n", "\n")) == with_rounded_numbers(example.output)


def test_both_readmes_have_examples_with_their_output() -> None:
    for readme in READMES:
        assert sum(example.output is not None for example in examples() if example.readme == readme) >= 2


def test_every_setting_that_a_readme_names_exists() -> None:
    from service.settings import Settings

    named = {name for readme in READMES for name in re.findall(r"SENTIMENT_([A-Z_]+)", (ROOT / readme).read_text())}
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    assert len(named) > 5
