"""The GitHub Actions workflow, which cannot run here: its schema, and that what it runs exists."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def workflow() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    return content


def check(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_workflow_fits_the_schema_of_github_actions() -> None:
    checked = check(WORKFLOW)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_workflow_with_a_misspelt_key_does_not_fit_the_schema(tmp_path: Path) -> None:
    wrong = tmp_path / "ci.yml"
    wrong.write_text(WORKFLOW.read_text().replace("runs-on:", "run-on:"))
    assert check(wrong).returncode == 1


def test_the_workflow_runs_the_house_rules_and_every_test() -> None:
    [job] = workflow()["jobs"].values()
    commands = [step["run"].strip() for step in job["steps"] if "run" in step]
    assert commands[-2:] == ["make check", "make test"]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {"check", "test"} <= set(targets)


def test_the_workflow_tries_the_oldest_python_that_is_supported() -> None:
    [job] = workflow()["jobs"].values()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={job['strategy']['matrix']['python'][0]}"
