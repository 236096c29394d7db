"""Models side by side: figures that can be worked out by hand, every kind of file, and what is wrong with one."""

import csv
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import redirect_stderr
from math import exp, log
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow
import pyarrow.parquet
import pytest

from tests.service.conftest import MODELS_DIR, write_korean_bundle, write_small_bundle
from tests.training.test_run import Finished, training
from training.cli import compare as command
from training.compare.comparison import mcnemar

ROOT = Path(__file__).parents[3]
FIRST_SENTENCES = ROOT / "training/first_sentences.csv"

# Version 1 adds up good +2, bad -2, don't -1; version 2 adds 2.5 to that. From a sum of 0 on they say
# positive.
ROWS = [
    ("good", 1, "plain"),  # 2 and 4.5: both are right
    ("bad", 0, "plain"),  # -2 and 0.5: only the first is right
    ("the bad film", 0, "longer"),  # the same
    ("don't", 1, "plain"),  # -1 and 1.5: only the second is right
    ("the film", 1, "longer"),  # 0 and 2.5: both are right
    ("bad unheard bad the the the", 0, "longer"),  # -4 and -1.5: both are right; one word is in no vocabulary
]
SUMS = [2.0, -2.0, -2.0, -1.0, 0.0, -4.0]


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare") / "models"
    write_small_bundle(folder)
    write_small_bundle(folder, version=2, bias=2.5)
    return folder


@pytest.fixture
def run(models_dir: Path) -> Callable[..., Finished]:
    return lambda *arguments: training("compare", *arguments, "--models-dir", models_dir)


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "reviews.csv")


def write_csv(path: Path, mark: str = ",", header: str = "text,label,kind") -> Path:
    lines = [header.replace(",", mark), *(mark.join(map(str, row)) for row in ROWS)]
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def found(finished: Finished) -> dict[str, Any]:
    assert (finished.code, finished.stderr) == (0, "")
    return dict(json.loads(finished.stdout))


# On a file


def test_each_model_is_measured_on_the_same_texts(run: Callable[..., Finished], reviews: Path) -> None:
    compared = found(run("small/1", "small/2", reviews, "--json"))
    assert compared["file"] == {
        "path": str(reviews),
        "texts": 6,
        "positive": 3,
        "left_out": [],
        "row_kind": "line",
    }
    first, second = compared["models"]
    assert [first["model"], second["model"]] == ["small/1", "small/2"]
    assert (first["accuracy"], second["accuracy"]) == pytest.approx((5 / 6, 4 / 6))
    assert (first["predicted_positive"], second["predicted_positive"]) == pytest.approx((2 / 6, 5 / 6))
    assert first["confusion"] == [[3, 0], [1, 2]]
    for model, bias in ((first, 0.0), (second, 2.5)):
        given = [sigmoid(x + bias) for x in SUMS]
        losses = [-log(p if label else 1 - p) for p, (_, label, _) in zip(given, ROWS, strict=True)]
        assert model["loss"] == pytest.approx(sum(losses) / 6, rel=1e-5)
        assert model["auc"] == pytest.approx(1.0)  # the bias moves all alike; each positive is above each negative
        assert model["known_words"] == pytest.approx(13 / 14)
        assert model["precision"] == "float32"
        assert model["texts_per_second"] is None or model["texts_per_second"] > 0
    # Wilson, by hand: (s + z²/2n ± z sqrt(s(1-s)/n + z²/4n²)) / (1 + z²/n) for s = 5/6, n = 6, z = 1.96
    assert first["accuracy_interval"] == pytest.approx([0.4365, 0.9699], abs=1e-4)


def test_accuracy_is_told_by_words_in_the_text(run: Callable[..., Finished], reviews: Path) -> None:
    compared = found(run("small/1", "small/2", reviews, "--json"))
    assert compared["models"][1]["by_length"] == [
        {"from": 0, "to": 5, "reviews": 5, "accuracy": 0.6},
        {"from": 6, "to": 10, "reviews": 1, "accuracy": 1.0},
    ]


def test_disagreements_are_counted_and_judged(run: Callable[..., Finished], reviews: Path) -> None:
    compared = found(run("small/1", "small/2", reviews, "--json"))
    assert compared["pairs"] == [
        {"models": ["small/1", "small/2"], "disagree": 3, "right": [2, 1], "mcnemar_p": 1.0},
    ]
    # σ(1.5) - σ(-1) = 0.549 is more than σ(0.5) - σ(-2) = 0.503.
    assert [(text["row"], text["text"], text["label"]) for text in compared["most_different"]] == [
        (5, "don't", 1),
        (3, "bad", 0),
        (4, "the bad film", 0),
    ]
    assert compared["most_different"][0]["probabilities"] == pytest.approx([sigmoid(-1), sigmoid(1.5)], rel=1e-5)


def test_at_most_five_texts_are_shown_and_none_is_long(
    run: Callable[..., Finished], tmp_path: Path, models_dir: Path
) -> None:
    (tmp_path / "many.csv").write_text("text,label\n" + f"bad {'unheard ' * 100},0\n" * 7)
    compared = found(run("small/1", "small/2", tmp_path / "many.csv", "--json"))
    assert compared["pairs"][0]["disagree"] == 7
    assert len(compared["most_different"]) == 5
    assert max(len(text["text"]) for text in compared["most_different"]) == 300
    printed = training("compare", "small/1", "small/2", tmp_path / "many.csv", "--models-dir", models_dir).stdout
    shown = [line for line in printed.splitlines() if "unheard" in line]
    assert len(shown) == 5
    assert max(map(len, shown)) < 150


def test_mcnemar_is_the_exact_two_sided_binomial_test() -> None:
    assert mcnemar(1, 7) == mcnemar(7, 1) == pytest.approx(2 * (1 + 8) / 2**8)
    assert mcnemar(0, 10) == pytest.approx(2 / 2**10)
    assert mcnemar(5, 5) == mcnemar(0, 0) == 1.0


def test_more_than_two_models_are_compared_in_pairs_and_one_alone_in_none(
    run: Callable[..., Finished], reviews: Path
) -> None:
    three = found(run("small/1", "small/2", "small/1", reviews, "--json"))
    assert [pair["models"] for pair in three["pairs"]] == [
        ["small/1", "small/2"],
        ["small/1", "small/1"],
        ["small/2", "small/1"],
    ]
    assert [pair["disagree"] for pair in three["pairs"]] == [3, 0, 3]
    assert [len(text["probabilities"]) for text in three["most_different"]] == [3, 3, 3]
    one = found(run("small/2", reviews, "--json"))
    assert (len(one["models"]), one["pairs"], one["most_different"]) == (1, [], [])


def test_people_get_a_column_for_each_model(run: Callable[..., Finished], reviews: Path) -> None:
    done = run("small/1", "small/2", reviews, "--by", "kind")
    assert (done.code, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.stdout.startswith(f"6 texts of {reviews}: 3 positive, 3 negative\n")
    for line in (
        "small/1 small/2",
        "accuracy 83.33% 66.67%",
        "called positive 33.3% 83.3%",
        "AUC 1.0000 1.0000",
        "precision float32 float32",
        "6–10 (1 text) 100.0% 100.0%",
        "plain (3 texts) 66.7% 66.7%",
        "longer (3 texts) 100.0% 66.7%",
        "line 5 positive 0.269 0.818 don't",
    ):
        assert line.split() in lines
    assert (
        "small/1 and small/2 disagree on 3 of 6 texts: small/1 is right on 2 of them, small/2 on 1 "
        "(exact McNemar test: p = 1.000)." in done.stdout
    )


def test_characters_are_called_so_where_a_model_counts_them(tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "models")
    write_korean_bundle(tmp_path / "models")
    (tmp_path / "a.csv").write_text("text,label\n정말 좋다,1\n좋다 좋다 좋다,1\n", encoding="utf-8")
    alone = training("compare", "small-korean/1", tmp_path / "a.csv", "--models-dir", tmp_path / "models").stdout
    assert "  characters known " in alone
    assert "Accuracy by characters in the text\n" in alone
    arguments = ("small/1", "small-korean/1", tmp_path / "a.csv", "--models-dir", tmp_path / "models")
    assert "  words or characters known " in training("compare", *arguments).stdout
    recorded = training("compare", "small-korean/1", "small/1", "--models-dir", tmp_path / "models").stdout
    assert "Models of different names may have been measured on different data." in recorded


def test_a_text_cannot_move_the_cursor(run: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text('text,label\n"bad \x1b[2J\r\n\x07film",0\n')
    printed = run("small/1", "small/2", tmp_path / "odd.csv").stdout
    assert "bad [2J film" in printed
    assert not {"\x1b", "\x07", "\r"} & set(printed)


# Files


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.TSV", "a.ndjson", "a.jsonl.gz", "a.parquet"])
@pytest.mark.parametrize("as_names", [False, True])
def test_every_format_gives_the_same_figures(
    run: Callable[..., Finished], reviews: Path, tmp_path: Path, name: str, as_names: bool
) -> None:
    path = tmp_path / name
    labels: list[Any] = [("negative", "positive")[label] if as_names else label for _, label, _ in ROWS]
    rows = [{"id": 7, "review": text, "class": label} for (text, _, _), label in zip(ROWS, labels, strict=True)]
    if "parquet" in name:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        mark = "\t" if "tsv" in name.lower() else ","
        lines = [mark.join(map(str, row.values())) for row in rows]
        lines = [mark.join(rows[0]), *lines] if "sv" in name.lower() else [json.dumps(row) for row in rows]
        content = "\r\n".join(lines).encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    columns = ("--text-column", "review", "--label-column", "class", "--json")
    compared, expected = (
        found(run("small/1", "small/2", *arguments)) for arguments in ((path, *columns), (reviews, "--json"))
    )
    timed = ("processor_seconds", "texts_per_second")
    for model in (*compared["models"], *expected["models"]):
        for key in timed:
            del model[key]
    assert compared["models"] == expected["models"]
    assert compared["pairs"] == expected["pairs"]
    shift = 0 if "sv" in name.lower() else 1  # only these have a header
    assert [text["row"] for text in compared["most_different"]] == [
        text["row"] - shift for text in expected["most_different"]
    ]


def test_a_limit_takes_the_first_rows_and_no_auc_is_invented_for_one_class(
    run: Callable[..., Finished], reviews: Path
) -> None:
    # Behind the limit nothing is looked at.
    reviews.write_text(reviews.read_text() + "good,perhaps,plain\n")
    limited = run("small/1", reviews, "--limit", 1, "--json")
    assert found(limited)["file"]["texts"] == 1
    assert found(limited)["models"][0]["auc"] is None
    assert "AUC" not in run("small/1", reviews, "--limit", 1).stdout
    assert found(run("small/1", reviews, "--limit", 6, "--json"))["models"][0]["auc"] == 1.0


def test_rows_without_a_text_are_left_out_and_counted(run: Callable[..., Finished], tmp_path: Path) -> None:
    path = tmp_path / "gaps.csv"
    path.write_text("text,label\ngood,1\n ,1\nbad,0\n,\n")
    assert found(run("small/1", path, "--json"))["file"] | {"path": ""} == {
        "path": "",
        "texts": 2,
        "positive": 1,
        "left_out": [3, 5],
        "row_kind": "line",
    }
    assert "2 left out for want of a text that can be judged, the first in line 3" in run("small/1", path).stdout


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,label\ngood,1\nbad,maybe\n", "line 3: the label is 'maybe'; it should be 0, 1, negative or "),
        ("a.csv", 'text,label\n"good\nfilm",1\nbad,2\n', "line 4: the label is '2'; it should be 0, 1, negative or "),
        ("a.csv", "text,label\ngood,\n", "line 2: the label is ''; it should be 0, 1, negative or positive."),
        ("a.csv", "text,label\ngood,1,1\n", "line 2: The row has 3 fields, the header 2."),
        (
            "a.csv",
            "text,stars\ngood,1\n",
            ": The header has no column 'label'; it has 'text', 'stars'. --text-column, ",
        ),
        ("a.csv", "", ": The file has no header."),
        ("a.csv", "text,label\n", " holds no labelled text."),
        ("a.csv", "text,label\n,1\n", " holds no labelled text."),
        ("a.ndjson", '{"text":"good","label":1}\n{"text":"bad"}\n', "line 2: The line is no object with a member 'la"),
        ("a.ndjson", '{"text":"good","label":true}\n', "line 1: the label is 'true'; it should be 0, 1, negative or "),
        ("a.ndjson", '{"text":"good","label":1.0}\n', "line 1: the label is '1.0'; it should be 0, 1, negative or "),
        ("a.ndjson", '{"text":["good"],"label":1}\n', "line 1: 'text' is neither a string nor a number."),
        ("a.ndjson", "[" * 100_000 + "\n", "line 1: The line is not JSON: "),
        ("a.ndjson", '"good"\n', "line 1: The line is no object with a member 'text'."),
        ("a.txt", "good\n", ": its name should end in .csv, .tsv, .ndjson, .jsonl, .parquet, to say how"),
        ("a.parquet", "good\n", "cannot be read as Parquet"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(
    run: Callable[..., Finished], tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    refused = run("small/1", tmp_path / name)
    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"error: {tmp_path / name}")
    assert message in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_parquet_without_a_column_or_with_a_strange_label_is_refused(
    run: Callable[..., Finished], tmp_path: Path
) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["good", None, "bad"], "label": [1, 1, 5]}), path)
    assert run("small/1", path).stderr == (
        f"error: {path}, row 3: the label is '5'; it should be 0, 1, negative or positive.\n"
    )
    assert found(run("small/1", path, "--limit", 2, "--json"))["file"]["left_out"] == [2]
    refused = run("small/1", path, "--label-column", "stars")
    assert refused.stderr == f"error: {path}: The table has no column 'stars'; it has 'text', 'label'.\n"


def test_a_column_with_too_many_values_is_no_group(run: Callable[..., Finished], tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text,label\n" + "".join(f"{number},good,1\n" for number in range(21)))
    assert "'id' has 21 different values; 20 are shown." in run("small/1", path, "--by", "id").stderr


# Models


def test_who_names_no_model_is_told_how(run: Callable[..., Finished], reviews: Path, models_dir: Path) -> None:
    assert run().code == run(reviews).code == run("small", "small/1").code == 2
    assert "small is neither a version, such as 2, nor a name and a version" in run("small", "small/1").stderr
    assert run("1", reviews).stderr == (f"error: {models_dir} has no model imdb-conv1d/1; it has small/1, small/2.\n")
    assert run("small/1", "nowhere.csv").stderr == "error: nowhere.csv cannot be read: No such file or directory.\n"


def test_models_that_mean_different_classes_by_a_label_are_not_compared(tmp_path: Path, reviews: Path) -> None:
    write_small_bundle(tmp_path / "models")
    write_small_bundle(tmp_path / "models", version=2).change_manifest(labels=["positive", "negative"])
    refused = training("compare", "small/1", "small/2", reviews, "--models-dir", tmp_path / "models")
    assert (refused.code, refused.stdout) == (1, "")
    assert "'positive' is not the same class in all of them" in refused.stderr


def test_without_a_file_the_manifests_speak(tmp_path: Path) -> None:
    done = training("compare", "1", "--models-dir", MODELS_DIR)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert (done.code, done.stderr) == (0, "")
    assert "imdb-conv1d/1: The lecture's Conv1D network" in done.stdout
    for line in ("reviews 25,000", "accuracy 84.59%", "AUC 0.9232", "log loss 0.753", "accuracy in 8 bits 84.52%"):
        assert line.split() in lines
    assert "Test reviews of the data set, in float32\n" in done.stdout
    assert "held out" not in done.stdout
    assert "The test reviews were also the validation data of imdb-conv1d/1" in done.stdout

    other = write_small_bundle(tmp_path)
    short = {"one sentence": {"reviews": 50, "accuracy": 0.75}}
    test = {"reviews": 100, "accuracy": 0.875, "short_texts": short}
    other.change_manifest(metrics={"test": test, "validation": test | {"accuracy": 0.625}})
    write_small_bundle(tmp_path, version=2)
    done = training("compare", "small/1", "small/2", "--models-dir", tmp_path)
    whole, held_out = done.stdout.split("Training reviews that were held out")
    for part, accuracy in ((whole, "87.50%"), (held_out, "62.50%")):
        lines = [line.split() for line in part.splitlines()]
        assert ["accuracy", accuracy, "–"] in lines
        assert any(line.startswith("  accuracy, one sentence of each  ") for line in part.splitlines())
        assert "AUC" not in part
    assert "validation data of" not in done.stdout
    recorded = found(training("compare", "small/1", "small/2", "--models-dir", tmp_path, "--json"))
    assert recorded["models"][0]["metrics"]["test"] == test


# Around it


@pytest.mark.parametrize("arguments", [["small/1", "small/2"], ["small/1", "small/2", "reviews.csv"]])
def test_neither_tensorflow_nor_what_else_trains_is_needed(
    models_dir: Path, reviews: Path, arguments: list[str]
) -> None:
    missing = ["tensorflow", "keras", "tf2onnx", "onnx", "matplotlib"]
    missing += ["sklearn", "scipy", "pyarrow"] if len(arguments) == 2 else []
    program = (
        f"import sys; sys.modules |= dict.fromkeys({missing}); sys.path.insert(0, {str(ROOT)!r}); "
        "from training.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "compare", *arguments, "--models-dir", str(models_dir)],
        capture_output=True,
        text=True,
        check=False,
        cwd=reviews.parent,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "small/2" in done.stdout


def test_a_package_that_is_missing_is_named(run: Callable[..., Finished], reviews: Path) -> None:
    with patch.dict(sys.modules, {"training.compare.comparison": None, "scipy.stats": None}):
        del sys.modules["training.compare.comparison"]
        refused = run("small/1", reviews)
    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr == "error: scipy.stats is not installed; it comes with pip install -e '.[training]'\n"


def test_a_large_file_has_a_progress_bar_on_a_terminal(
    models_dir: Path, reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def bar(large: int) -> str:
        monkeypatch.setattr(command, "LARGE_TEXTS", large)
        terminal = Terminal()
        with redirect_stderr(terminal), command._progress(6) as progress:
            progress(2)
            progress(4)
        return terminal.getvalue()

    assert "6/6" in bar(6)
    assert bar(7) == ""
    assert training("compare", "small/1", reviews, "--models-dir", models_dir).stderr == ""


def test_the_first_sentences_are_as_they_were_written_down() -> None:
    rows = [line.rsplit(",", 2) for line in FIRST_SENTENCES.read_text().splitlines()[1:]]
    sentences = [(text[1:-1] if text.startswith('"') else text, label) for text, label, _ in rows]
    written = "".join(f"{text}\t{label}\n" for text, label in sentences)
    assert hashlib.sha256(written.encode()).hexdigest() == (
        "b8f8bf41263a525bef4a1fb7ff2b1510b837a236c33c244a6625148a24b362ca"
    )
    assert [kind for _, _, kind in rows] == ["plain"] * 32 + ["negated or mixed"] * 32


@pytest.mark.parametrize(
    ("file", "sha256"),
    [
        ("first_sentences.ko.csv", "73bc7ee742f25763ad3a1ff9fee0196db623cb42a62e494d2d668d359a4aee83"),
        ("unseen_sentences.ko.csv", "59e9d1ceb2a36e78e715cbf2ceb808230a1a0f07349db7d55f64962cccba0480"),
        ("unseen_sentences.csv", "91b7c47eccaf34c8be3260c754d5ebc3510a54f38b9c21fd12500b118e705c89"),
        ("development_sentences.csv", "30d7dc7bc374b8d508b48cffb8e210f92d3707ecd55b57899e974a281fc3f0bd"),
    ],
)
def test_other_sentences_are_as_they_were_written_down(file: str, sha256: str) -> None:
    with FIRST_SENTENCES.with_name(file).open(newline="") as opened:
        written = "".join(f"{row['label']}\t{row['text']}\n" for row in csv.DictReader(opened))
    assert hashlib.sha256(written.encode()).hexdigest() == sha256


def test_the_first_sentences_can_be_compared_on() -> None:
    compared = found(training("compare", "1", FIRST_SENTENCES, "--by", "kind", "--models-dir", MODELS_DIR, "--json"))
    assert compared["file"]["texts"] == 64
    assert compared["file"]["positive"] == 32
    assert [(group["group"], group["texts"]) for group in compared["by_group"]] == [
        ("plain", 32),
        ("negated or mixed", 32),
    ]
    assert 0.5 < compared["models"][0]["accuracy"] < 0.9
    assert compared["models"][0]["precision"] in {"int8", "float32"}
    exact = found(
        training("compare", "1", FIRST_SENTENCES, "--precision", "reference", "--models-dir", MODELS_DIR, "--json")
    )
    assert exact["models"][0]["precision"] == "reference"


def test_what_training_reads_of_itself_is_installed_with_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    files = {path.relative_to(ROOT / "training").as_posix() for path in (ROOT / "training").rglob("*.*")}
    read = {path for path in files if path.endswith((".html", ".csv", "py.typed"))}
    assert read == set(project["tool"]["setuptools"]["package-data"]["training"])
