"""Every command in the Markdown pages: run as it is written, and what a page says of its output compared.

What takes minutes is run by tests of its own or by CI (containers, training, benchmarks): of such a command this checks
that it is one, with the options that it has.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from tests.service.conftest import MODELS_DIR
from tests.service.running import running

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.ko.md"]
PAGES = [*READMES, *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))]
OTHERS = ["docker/README.md", "docker/kubernetes/README.md", "bench/README.md", "CONTRIBUTING.md"]
"""Pages whose commands are containers, benchmarks and tests; `docker/smoke` and CI run them."""
CARDS = sorted(str(card.relative_to(ROOT)) for card in ROOT.glob("models/*/MODEL_CARD*.md"))
README_LINES = 150

ADDRESS = "127.0.0.1:8000"
OF_MAKE = re.compile(r"(?:\w+=\S+ )*make ")
READ_ONLY = ("compare",)
"""What `make` names and is done in seconds, without a trace."""

EITHER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?|…|\n\s*")
"""In an output that a page shows: a number, something left out, a break that is only the page's."""


@dataclass(frozen=True)
class Example:
    """A block of commands, and the block that shows their output, if there is one."""

    page: str
    language: str
    commands: str
    output: str | None
    of: str  # the output's language

    def __str__(self) -> str:
        return f"{self.page}: {self.commands.splitlines()[0][:60]}"

    @property
    def essence(self) -> tuple[str, str, str | None]:
        """Commands and output, without comments, which each language has in its own words."""
        commands = re.sub(r" +# .*", "", self.commands) if self.language == "sh" else self.commands
        return self.language, commands, self.output

    @property
    def slow(self) -> bool:
        """Whether it is containers, or something of the Makefile."""
        return self.commands.startswith("docker ") or bool(OF_MAKE.match(self.commands))


def examples(pages: list[str]) -> list[Example]:
    found = []
    for page in pages:
        text = (ROOT / page).read_text()
        blocks = re.findall(r"^```(sh|python)\n(.*?)^```\n(?:\s*^```(json|csv|text)\n(.*?)^```\n)?", text, re.M | re.S)
        found += [Example(page, language, commands, output or None, of) for language, commands, of, output in blocks]
    return found


ENGINE_PAGES = ("docs/cluster.md", "docs/cluster.ko.md")
"""Pages whose examples need a cluster: `tests/service/cluster/engines/test_page.py` runs them."""
RUN_HERE = [example for example in examples(PAGES) if not example.slow and example.page not in ENGINE_PAGES]


def without_translations(found: list[Example]) -> list[Example]:
    """Examples without those of a Korean page that has the very ones of the English page: they would run twice."""
    of: dict[str, list[Example]] = {}
    for example in found:
        of.setdefault(example.page, []).append(example)

    def same(page: str) -> bool:
        english = of.get(page.replace(".ko.md", ".md"), [])
        return page.endswith(".ko.md") and [each.essence for each in of[page]] == [each.essence for each in english]

    return [example for example in found if not same(example.page)]


def lines_of_make() -> list[str]:
    """The commands of all pages, without comments."""
    lines = [
        line.split(" #")[0].strip()
        for example in examples([*PAGES, *OTHERS])
        for line in example.commands.splitlines()
        if OF_MAKE.match(line)
    ]
    return list(dict.fromkeys(lines))


@dataclass(frozen=True)
class Place:
    """A service, and the folder of its models."""

    address: str
    models_dir: Path


@contextmanager
def serving(models_dir: Path, *flags: str) -> Iterator[Place]:
    with running("--models-dir", str(models_dir), "--workers", "1", "--repository-control", "true", *flags) as service:
        yield Place(service.address.removeprefix("http://"), models_dir)


@pytest.fixture(scope="module")
def place_of(tmp_path_factory: pytest.TempPathFactory, folders: dict[str, Path]) -> Iterator[Callable[[str], Place]]:
    """The service of a page; one that changes rollouts has models of its own, one of feedback a file of its own."""
    with ExitStack() as stack:

        @cache
        def place(own: str) -> Place:
            models_dir = MODELS_DIR
            if "feedback" in own:
                file = str(folders[own] / "feedback.db")
                return stack.enter_context(serving(models_dir, "--feedback-file", file, "--feedback-texts", "true"))
            if own:
                models_dir = Path(shutil.copytree(MODELS_DIR, tmp_path_factory.mktemp("page") / "models"))
            return stack.enter_context(serving(models_dir))

        yield lambda page: place(page if re.search("rollouts|feedback", page) else "")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One folder for each page, in which a later example finds the files of an earlier one."""
    return {page: tmp_path_factory.mktemp("page") for page in PAGES}


def run(example: Example, place: Place, folder: Path) -> str:
    commands = example.commands.replace(ADDRESS, place.address).replace(".venv/bin/python", sys.executable)
    program = [sys.executable, "-c"] if example.language == "python" else ["bash", "-euo", "pipefail", "-c"]
    done = subprocess.run(
        [*program, commands.replace("curl ", "curl --silent --show-error ")],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "SENTIMENT_MODELS_DIR": str(place.models_dir),
            "SENTIMENT_PORT": place.address.rpartition(":")[2],
        },
    )
    expected = 3 if " score reviews." in commands else 0  # the file of the examples has a blank review
    assert done.returncode == expected, done.stderr
    return done.stdout


def assert_shows(said: str, printed: str) -> None:
    """That a page shows what was printed: to the letter, but for what it leaves out (…) and the last digits of numbers,
    which depend on the processor."""
    said, printed = said.strip(), printed.replace("\r\n", "\n").strip()
    if "…" not in said:
        assert EITHER.sub("#", said) == EITHER.sub("#", printed)
    pattern, numbers, end = "", [], 0
    for either in EITHER.finditer(said):
        pattern += re.escape(said[end : either.start()])
        end = either.end()
        if either[0] == "…":
            pattern += ".*?"
        elif either[0].startswith("\n"):
            pattern += r"\s*"
        else:
            pattern += r"(-?\d+\.\d+(?:e-?\d+)?)"
            numbers.append(float(either[0]))
    found = re.fullmatch(pattern + re.escape(said[end:]), printed, re.S)
    assert found, f"the page says\n{said}\nand what comes is\n{printed}"
    assert [float(number) for number in found.groups()] == pytest.approx(numbers, abs=0.02, rel=0.02)


@pytest.mark.parametrize("example", without_translations(RUN_HERE), ids=str)
def test_an_example_does_what_the_page_says(
    example: Example, place_of: Callable[[str], Place], folders: dict[str, Path]
) -> None:
    printed = run(example, place_of(example.page), folders[example.page])
    if example.output:
        assert_shows(example.output, printed)
    if example.language == "python":
        said = re.findall(r"print\(.*  # (.*)", example.commands)
        assert said
        lines = printed.splitlines()
        for line in said:
            assert any(_shows(line, each) for each in lines), f"{line!r} is not among {lines}"


def _shows(said: str, printed: str) -> bool:
    try:
        assert_shows(said, printed)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(
    ("said", "printed"),
    [("p 0.75", "p 0.85"), ('{"a":1}', '{"a":2}'), ("a…d 0.5", "abc 0.5"), ("a", "a b"), ("1 0.5\n2 0.5", "1 0.5")],
)
def test_another_output_than_the_page_shows_is_found(said: str, printed: str) -> None:
    assert_shows(said, said.replace("…", "--").replace("0.5", "0.501"))
    with pytest.raises(AssertionError):
        assert_shows(said, printed)


def test_only_a_page_that_is_the_same_in_korean_is_run_once() -> None:
    english = [Example("a.md", "sh", "ls  # all\n", "a\n", "text"), Example("a.md", "sh", "cd x\n", None, "")]
    korean = [replace(each, page="a.ko.md", commands=each.commands.replace("all", "모두")) for each in english]
    assert without_translations([*english, *korean]) == english
    for other in (replace(korean[0], output="b\n"), replace(korean[0], commands="ls -l\n")):
        assert without_translations([*english, other, korean[1]]) == [*english, other, korean[1]]
    assert without_translations([*english, korean[0]]) == [*english, korean[0]]


@pytest.mark.parametrize("line", lines_of_make())
def test_what_is_made_can_be_made(line: str, tmp_path: Path) -> None:
    """The command behind it is run if it only reads, and otherwise asked for its help, after its options are parsed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    words = [word for word in shlex.split(line) if word != "make" and not re.match(r"[A-Z_]+=", word)]
    arguments = next((word for word in shlex.split(line) if word.startswith("ARGS=")), "ARGS=")
    target = words[0]
    told = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", target, arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,  # without what an outer make hands on
    )
    assert told.returncode == 0, told.stderr
    command = shlex.split(told.stdout.splitlines()[-1])
    if command[0] != ".venv/bin/python":
        return
    module = command[command.index("-m") + 1]
    if module == "pytest":  # its options, with an empty folder for the tests: to collect those takes seconds
        tests = [word for word in command[3:] if "/" in word]
        assert all((ROOT / word).exists() for word in tests)
        options = [word for word in command[3:] if word not in tests]
        command = [*command[:3], *options, "--collect-only", "--noconftest", str(tmp_path)]
    ending = [] if target in READ_ONLY or module == "pytest" else ["--help"]
    done = subprocess.run(
        [sys.executable, *command[1:], *ending],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    expected = pytest.ExitCode.NO_TESTS_COLLECTED if module == "pytest" else 0
    assert done.returncode == expected, done.stdout + done.stderr


def test_both_readmes_have_examples_with_their_output() -> None:
    for readme in READMES:
        assert sum(example.output is not None for example in RUN_HERE if example.page == readme) >= 4


def test_a_readme_is_short() -> None:
    for readme in READMES:
        assert len((ROOT / readme).read_text().splitlines()) <= README_LINES


def test_every_page_and_card_is_there_in_both_languages() -> None:
    for page in [*PAGES, *CARDS]:
        other = page.replace(".ko.md", ".md") if page.endswith(".ko.md") else page.replace(".md", ".ko.md")
        assert (ROOT / other).exists(), f"{page} has no {other}"


def test_a_page_that_another_one_links_to_is_there() -> None:
    for page in [*PAGES, *OTHERS, *CARDS, "CHANGELOG.md", "SECURITY.md", "SECURITY.ko.md"]:
        place = (ROOT / page).parent
        text = (ROOT / page).read_text()
        for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text):
            target, _, heading = (link[0] or link[1]).partition("#")
            if "://" in target:
                continue
            assert (place / target).exists(), f"{page}: {target}"
            if heading:
                of = (place / target if target else ROOT / page).read_text()
                assert heading in map(anchor, re.findall(r"^#+ (.*)", of, re.M)), f"{page}: #{heading}"


def anchor(heading: str) -> str:
    """As GitHub makes it from a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_setting_that_a_page_names_exists() -> None:
    from service.settings import Settings

    ours = {"SENTIMENT_BALANCED_PORT", "SENTIMENT_TAG"}  # of docker-compose.yml
    named = {name for page in [*PAGES, *OTHERS] for name in re.findall(r"SENTIMENT_[A-Z_]+", (ROOT / page).read_text())}
    assert {name.removeprefix("SENTIMENT_").lower() for name in named - ours} <= set(Settings.model_fields)
    assert len(named) > 5
