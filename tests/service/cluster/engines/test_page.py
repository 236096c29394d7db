"""The page about clusters: its commands and its programs, run as they are written."""

import os
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest
from fastapi.testclient import TestClient

from tests.service.cluster.engines.conftest import ROOT, Nodes
from tests.service.conftest import MODELS_DIR
from tests.test_readme import Example, examples

PAGE = "docs/cluster.md"
COMMANDS = [example for example in examples([PAGE]) if example.language == "sh" and "bench." not in example.commands]
PROGRAMS = [example for example in examples([PAGE]) if example.language == "python"]


def run(example: Example, folder: Path, address: str) -> "subprocess.CompletedProcess[str]":
    lines = [line for line in example.commands.splitlines() if "/pip install" not in line]
    commands = "\n".join(lines).replace(".venv/bin/python", sys.executable).replace("ray://head:10001", address)
    program = ["-c", commands] if example.language == "python" else ["-euc", commands]
    return subprocess.run(
        [sys.executable if example.language == "python" else "bash", *program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").symlink_to(MODELS_DIR)
    return tmp_path


def test_its_commands_do_what_it_says(nodes: Nodes, store_address: str, folder: Path) -> None:
    files = fsspec.filesystem("s3", endpoint_url=store_address, key="key", secret="secret")  # noqa: S106
    said = []
    for example in COMMANDS:
        if "s3://bucket" in example.commands:
            if files.exists("bucket"):
                files.rm("bucket", recursive=True)
            files.mkdir("bucket")
            files.put(f"{folder}/reviews/", "bucket/reviews/", recursive=True)
        done = run(example, folder, nodes.cluster.address)
        assert done.returncode == (3 if "--engine ray" in example.commands else 0), done.stderr
        said.append(done.stderr)
    assert sum("4 records of 2 files: 3 scored, 1 error\n" in each for each in said) == 3
    files.invalidate_cache()
    outputs = ["year=2025/part-0.csv.parquet", "year=2025/part-1.ndjson.parquet"]
    assert sorted(files.find("bucket/scored")) == [f"bucket/scored/{name}" for name in ("_manifest.json", *outputs)]
    assert all((folder / "scored" / name).exists() for name in outputs)


def test_spark_answers_with_the_probabilities_of_predict(folder: Path, committed: TestClient) -> None:
    [program] = PROGRAMS
    done = run(program, folder, "")
    assert done.returncode == 0, done.stderr
    header, *rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if "|" in line
    ]
    assert header == ["id", "text", "label", "probability", "words", "known_words", "truncated", "error", "model"]
    prediction = committed.post("/predict", json={"text": "I loved every minute of it."}).json()
    [good, missing] = [dict(zip(header, row, strict=True)) for row in rows]
    assert (good["probability"], good["label"], good["model"]) == (
        str(prediction["probability"]),
        prediction["label"],
        "imdb-conv1d/3",
    )
    assert (missing["error"], missing["label"], missing["model"]) == ("The text is missing.", "NULL", "NULL")


def test_the_korean_page_has_the_same_commands_and_programs() -> None:
    in_both = [[(each.language, each.commands) for each in examples([page])] for page in (PAGE, "docs/cluster.ko.md")]
    assert in_both[0] == in_both[1]
