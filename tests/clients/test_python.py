"""The distribution that holds the client alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.conftest import BundleFolder
from tests.service.running import ENVIRONMENT, running

PROJECT = Path(__file__).parents[2] / "clients" / "python"

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import service.client
assert service.client.__file__.startswith(sys.argv[1]), service.client.__file__
with service.client.Client(sys.argv[2]) as client:
    print(client.predict("good").label, len(client.predict_many(["bad"] * 1_500)))
    print(client.score_file(sys.argv[3], sys.argv[3] + ".scored.csv").scored)
"""

OTHERS = """
import sys
import httpx
import pydantic
pydantic.create_model("Model", text=(str, ...))(text="good")
httpx.Client().get(sys.argv[1])
"""

LIST_IMPORTED = """
import sys
files = {name.partition(".")[0]: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
print(*(name for name, file in files.items() if "site-packages" in file))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    [path] = folder.iterdir()
    return path


def imported(script: str, *arguments: str) -> list[str]:
    """Run a script that prints lines and LIST_IMPORTED's last of all."""
    command = [sys.executable, "-I", "-c", script + LIST_IMPORTED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_it_needs_httpx_and_pydantic_and_nothing_else_of_the_service(wheel: Path, small: BundleFolder) -> None:
    source = small.path / "texts.csv"
    source.write_text("text\ngood\n")
    with running("--models-dir", str(small.path.parents[1]), "--model", "small", "--workers", "1") as service:
        answer, scored, own = imported(SCRIPT, str(wheel), service.address, str(source))
        # httpx imports what of its extras is installed, a command line for one.
        [others] = imported(OTHERS, service.address)
    assert (answer, scored) == ("positive 1500", "1")
    assert {"httpx", "pydantic"} <= set(own.split()) <= set(others.split())
