"""What every test may ask for: the real reviews, and a run in which nothing may be skipped."""

import os
from pathlib import Path

import hypothesis
import pytest

os.environ["SENTIMENT_ALLOWED_HOSTS"] = "testserver"  # the host's name in requests of Starlette's TestClient

hypothesis.settings.register_profile("project", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("project")


@pytest.fixture(scope="session")
def imdb_data_dir() -> Path:
    """Folder of the real IMDB data set, which the project does not contain."""
    folder = os.environ.get("IMDB_DATA_DIR")
    if not folder:
        pytest.skip("IMDB_DATA_DIR is not set: it names the folder with the real reviews")
    return Path(folder)


@pytest.fixture(scope="session")
def nsmc_data_dir() -> Path:
    """Folder of the real Korean reviews, which the project does not contain either."""
    folder = os.environ.get("NSMC_DATA_DIR")
    if not folder:
        pytest.skip("NSMC_DATA_DIR is not set: it names the folder with the real Korean reviews")
    return Path(folder)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="A skipped test fails the run.")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if skipped := _skipped(config):
        terminalreporter.write_line(f"--fail-on-skip: {skipped} skipped, so the run fails.", red=True, bold=True)


def _skipped(config: pytest.Config) -> int:
    """Skips (of tests or whole modules) that count, none without the option."""
    if not config.getoption("--fail-on-skip"):
        return 0
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) if reporter else 0
