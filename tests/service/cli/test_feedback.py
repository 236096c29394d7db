"""`python -m service feedback`, and what `python -m training compare` makes of its file."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from service.feedback.store import Limits, Store, StoredAnswer
from service.inference.predictor import ModelName
from tests.service.conftest import MODELS_DIR
from tests.service.running import ENVIRONMENT, told_by

TEXTS = [("A waste of two hours.", "negative"), ('Good, "really"\ngood.', "positive"), ("좋다", "positive")]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "feedback.db"
    Store(path, Limits(86_400.0, 100, texts=True)).close()
    return path


def keep(database: Path, *texts: tuple[str | None, str], texts_kept: bool = True, name: str = "imdb-conv1d") -> None:
    store = Store(database, Limits(86_400.0, 100, texts=texts_kept))
    for number, (text, label) in enumerate(texts):
        answer = StoredAnswer(ModelName(name, 1), ("negative", "positive"), False, 0.25, 1_000, text)
        store.put(f"{name}-{texts_kept}-{number}", 0, answer, label)
    store.close()


def test_the_summary_is_for_people_or_programs(database: Path) -> None:
    keep(database, *TEXTS)
    said = told_by("feedback", "summary", "--feedback-file", str(database))
    assert said.returncode == 0
    head, *rest = said.stdout.splitlines()
    assert head.startswith("imdb-conv1d/1: 3 texts since 20")
    assert rest == [
        "  accuracy 33.3%, 95 % interval 6.1% to 79.2%",
        "  calibration error 0.417",
        "  negative  answered negative: 1, positive: 0",
        "  positive  answered negative: 2, positive: 0",
    ]
    said = told_by("feedback", "summary", "--json", "--feedback-file", database)
    [version] = json.loads(said.stdout)["versions"]
    assert (version["name"], version["version"], version["confusion"]) == ("imdb-conv1d", 1, [[1, 0], [2, 0]])


def test_without_feedback_it_says_so(database: Path) -> None:
    assert told_by("feedback", "summary", "--feedback-file", str(database)).stdout == "No feedback is kept.\n"
    done = told_by("feedback", "export", "--feedback-file", str(database))
    assert (done.returncode, done.stderr) == (1, "error: No feedback is kept.\n")


@pytest.mark.parametrize("suffix", [".csv", ".ndjson"])
def test_an_export_is_what_compare_reads(database: Path, tmp_path: Path, suffix: str) -> None:
    keep(database, *TEXTS)
    keep(database, ("not kept", "negative"), texts_kept=False)
    output = tmp_path / f"feedback{suffix}"
    done = told_by("feedback", "export", "--output", str(output), "--feedback-file", str(database))
    assert (done.returncode, done.stderr) == (0, "3 labels are written; 1 without a text are left out.\n")
    if suffix == ".csv":
        with output.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    else:
        rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [(row["text"], row["label"]) for row in rows] == TEXTS
    assert {row["answer"] for row in rows} == {"negative"}
    assert rows[0]["answered"] == "1970-01-01T00:16:40Z"
    compare = ["compare", "1", "3", str(output), "--by", "version", "--models-dir", str(MODELS_DIR), "--json"]
    compared = subprocess.run(
        [sys.executable, "-m", "training", *compare], capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert compared.returncode == 0, compared.stderr
    told = json.loads(compared.stdout)
    assert (told["file"]["texts"], told["file"]["positive"], told["file"]["left_out"]) == (3, 2, [])


def test_one_model_alone_can_be_exported(database: Path) -> None:
    keep(database, *TEXTS)
    keep(database, ("다른 글", "negative"), name="nsmc-conv1d")
    done = told_by("feedback", "export", "--model", "nsmc-conv1d", "--feedback-file", str(database))
    [line] = done.stdout.splitlines()
    assert (json.loads(line)["text"], json.loads(line)["model"]) == ("다른 글", "nsmc-conv1d")


def test_where_no_text_was_kept_the_setting_is_named(database: Path) -> None:
    keep(database, *TEXTS, texts_kept=False)
    done = told_by("feedback", "export", "--feedback-file", str(database))
    assert done.returncode == 1
    assert done.stderr.startswith("error: None of the texts of 3 labels was kept; SENTIMENT_FEEDBACK_TEXTS=true")


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        ([], 1, "--feedback-file or SENTIMENT_FEEDBACK_FILE"),
        (["--feedback-file", "nowhere.db"], 1, "there is no such file"),
        (["--feedback-file", "nowhere.db", "--output", "labels.xlsx"], 2, ".csv, .ndjson, .jsonl"),
    ],
)
def test_what_is_missing_is_named(flags: list[str], code: int, words: str) -> None:
    done = told_by("feedback", "export", *flags)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
