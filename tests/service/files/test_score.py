"""`python -m service score`: the answers of the route without a server, and none lost or twice when it is killed."""

import csv
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient

from service.__main__ import cli
from service.cores import FORKS, available_cores
from service.errors import ServiceError
from service.files import pool
from service.files import score as score_module
from service.inference.predictor import Prediction, Predictor
from service.settings import Settings
from tests.service.conftest import BundleFolder
from tests.service.running import ENVIRONMENT, told_by

MEDIA_TYPES = {"csv": "text/csv", "ndjson": "application/x-ndjson", "txt": "text/plain"}
ROWS = 2_000

needs_fork = pytest.mark.skipif(not FORKS, reason="score uses threads here")


def file_of(suffix: str, rows: int = ROWS) -> bytes:
    """Texts of many lengths, some of them bad, with odd lines in between."""
    chance = random.Random(suffix)  # noqa: S311
    texts = [
        " ".join(chance.choices(["good", "bad", "film", "the", "좋다"], k=chance.randint(0, 9))) for _ in range(rows)
    ]
    texts[-1] = "the end"  # a blank line at the end would be none
    if suffix == "csv":
        lines = (f'{i},"{text}\nand so on",x' if i % 7 else f"{i}\n\n{i},{text},y" for i, text in enumerate(texts))
        return ("\ufeffid,text,note\r\n" + "".join(f"{line}\r\n" for line in lines)).encode()
    if suffix == "ndjson":
        return "".join(
            json.dumps({"id": i, "text": text}) + "\n\n" * (i % 5 == 0) + "\n" for i, text in enumerate(texts)
        ).encode()
    return ("\n".join(texts) + "\n\n\n").encode()


@pytest.fixture
def flags(small: BundleFolder) -> list[str]:
    return ["--models-dir", str(small.path.parents[1]), "--model", "small", "--max-text-chars", "60"]


@pytest.fixture
def score(flags: list[str]) -> Any:
    def run(*arguments: object, input: bytes | None = None) -> Result:
        return CliRunner().invoke(cli, ["score", *map(str, arguments), *flags], input=input)

    return run


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "service", "score", *map(str, arguments)]


def run_whole(*arguments: object) -> None:
    done = subprocess.run(command(*arguments), env=ENVIRONMENT, capture_output=True, check=False)
    assert done.returncode == 3, done.stderr


@pytest.mark.parametrize("suffix", MEDIA_TYPES)
@pytest.mark.parametrize("compressed", [False, True])
def test_the_answer_is_that_of_the_route_byte_for_byte(
    client: TestClient, score: Any, tmp_path: Path, suffix: str, compressed: bool
) -> None:
    data = file_of(suffix)
    file = tmp_path / f"in.{suffix}{'.gz' * compressed}"
    file.write_bytes(gzip.compress(data) if compressed else data)
    headers = {"content-type": MEDIA_TYPES[suffix], "accept-encoding": ""}
    expected = client.post("/predict/batch", content=data, headers=headers).content
    assert expected.count(b"\n") > ROWS
    result = score(file)
    assert (result.exit_code, result.stdout_bytes) == (3, expected)
    assert "errors" in result.stderr
    assert score(file, "--output", tmp_path / "out").exit_code == 3
    assert (tmp_path / "out").read_bytes() == expected
    assert score(file, "--output", tmp_path / "out.gz").exit_code == 3
    assert gzip.decompress((tmp_path / "out.gz").read_bytes()) == expected
    assert {path.name for path in tmp_path.glob("out*")} == {"out", "out.gz"}


def test_standard_input_goes_to_standard_output(score: Any) -> None:
    assert score("-", "--format", "text", input=b"good\nbad").stdout.splitlines()[2:] == [
        '{"summary":{"lines":2,"scored":2,"errors":0}}'
    ]
    assert score("-", "--format", "csv", "--delimiter", "tab", input=gzip.compress(b"text\tid\ngood\t1\n")).stdout == (
        "text\tid\tlabel\tprobability\terror\ngood\t1\tpositive\t0.8807971\t\n"
    )


def test_the_suffix_tells_the_format(score: Any, tmp_path: Path) -> None:
    for name, content in (("a.tsv", "text\tid\ngood\t1\n"), ("a.jsonl", '"good"\n'), ("A.CSV", "text\ngood\n")):
        (tmp_path / name).write_text(content)
        result = score(tmp_path / name)
        assert (result.exit_code, "0.8807971" in result.stdout) == (0, True)


@pytest.mark.parametrize(
    ("name", "content", "arguments", "code", "words"),
    [
        ("a.txt", b"good\n", [], 0, "1 scored, 0 errors"),
        ("a.txt", b"good\n\nbad\n", [], 3, "2 scored, 1 error;"),
        ("a.csv", b"review\ngood\n", [], 1, "no column 'text'"),
        ("a.csv", b"", [], 1, "no header"),
        ("a.xlsx", b"PK\x03\x04", [], 2, "is a workbook"),
        ("a.csv", b"text\ngood\n", ["--delimiter", "ab"], 1, "delimiter"),
        ("a.txt", "good".encode("utf-16-le"), [], 1, "--encoding utf-16-le"),
        ("a.csv", "text\n좋다\n".encode("cp949"), [], 1, "--encoding cp949"),
        ("a.csv", "text\n좋다\n".encode("cp949"), ["--encoding", "euc-kr"], 0, "1 scored"),
        ("a.csv", b"text\ngood\n", ["--encoding", "klingon"], 1, "klingon"),
        ("a.csv", b"good\nbad\n", ["--header", "none"], 0, "2 scored"),
        ("a.tsv", b'text\tid\n"good\t1\n', [], 0, "1 scored"),
        ("a.json", b'["good", "bad"]', [], 0, "2 scored"),
        ("a.csv", b"review\ngood\n", [], 1, "--column NAME"),
        ("a.csv", b"text\ngood\n", ["--output", "out.parquet"], 2, "name it out.csv"),
        ("a.txt", b"good\n", ["--output", "out.csv.gz"], 2, "The answers are NDJSON"),
        ("a.txt", "좋다 재미있다\n".encode(), [], 0, "--model auto"),
        ("a.txt", gzip.compress(b"good\n" * 99, mtime=0)[:-4], [], 1, "ends too early"),
        ("a.txt", b"good\n", ["--model-version", "7"], 1, "no version 7"),
        ("a.parquet", b"good\n", ["--output", "out"], 1, "Parquet"),
        ("a.parquet", b"good\n", [], 2, "--output"),
        ("a.doc", b"good\n", [], 2, "--format"),
        ("a.txt", b"good\n", ["--format", "xml"], 2, "xml"),
        ("a.txt", b"good\n", ["--output", "a.txt"], 2, "the place of the input"),
    ],
)
def test_the_exit_code_tells_how_it_went(
    flags: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    done = told_by("score", name, *flags, *arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr


def test_help_tells_the_exit_codes(score: Any) -> None:
    for code in ("0", "1", "2", "3", "130", "141"):
        assert f"\n    {code} " in score("--help").stdout, code


def wait_for_another(checkpoint: Path, process: "subprocess.Popen[bytes]") -> None:
    """Until the run has put a new checkpoint in the place of the one that was there when it began."""
    before = checkpoint.stat().st_ino if checkpoint.exists() else 0
    while process.poll() is None and (not checkpoint.exists() or checkpoint.stat().st_ino == before):
        time.sleep(0.001)


@pytest.mark.parametrize(("name", "output"), [("in.csv", "out.csv"), ("in.txt.gz", "out"), ("in.ndjson", "out.gz")])
def test_killed_again_and_again_it_comes_to_the_same_bytes(
    flags: list[str], tmp_path: Path, name: str, output: str
) -> None:
    data = file_of(name.split(".")[1], rows=30_000)
    (tmp_path / name).write_bytes(gzip.compress(data, 1) if name.endswith(".gz") else data)
    run_whole(tmp_path / name, "--output", tmp_path / ("whole" + output), *flags)
    chance = random.Random(name)  # noqa: S311
    kills = 0
    for _ in range(4):
        resumed = command(tmp_path / name, "--output", tmp_path / output, *flags)
        with subprocess.Popen(resumed, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as process:
            wait_for_another(tmp_path / f"{output}.part.json", process)
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
        kills += process.returncode == -signal.SIGKILL
        assert (tmp_path / f"{output}.part").stat().st_size > 0 or process.returncode == 3
    assert kills >= 3
    run_whole(tmp_path / name, "--output", tmp_path / output, *flags)
    assert (tmp_path / output).read_bytes() == (tmp_path / ("whole" + output)).read_bytes()
    assert not list(tmp_path.glob("*.part*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_told_and_the_same_command_goes_on(
    flags: list[str], tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "in.txt").write_bytes(file_of("txt", rows=30_000))
    arguments = (tmp_path / "in.txt", "--output", tmp_path / "out", *flags)
    with subprocess.Popen(command(*arguments), env=ENVIRONMENT, stderr=subprocess.PIPE) as process:
        wait_for_another(tmp_path / "out.part.json", process)
        process.send_signal(number)
        _, said = process.communicate()
    assert (process.returncode, said.decode()) == (130, "interrupted; the same command resumes it\n")
    position = json.loads((tmp_path / "out.part.json").read_text())["position"]
    assert position[0] > 0
    run_whole(*arguments)
    answers = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [answer.get("line") for answer in answers] == [*range(1, 30_001), None]


def test_a_reader_that_leaves_ends_it(flags: list[str], tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(file_of("txt", rows=30_000))
    with subprocess.Popen(
        command(tmp_path / "in.txt", *flags), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith(b'{"line":1')
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")


@pytest.fixture
def interrupted(score: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The arguments of a run that broke off in its last window."""
    (tmp_path / "in.txt").write_bytes(file_of("txt"))
    arguments = [tmp_path / "in.txt", "--output", tmp_path / "out"]

    def breaking(_: Predictor, texts: Sequence[str]) -> list[Prediction]:
        if "the end" in texts:
            raise KeyboardInterrupt
        return [Prediction("positive", 0.5, 1, 1, False) for _ in texts]

    with monkeypatch.context() as broken:
        broken.setattr(Predictor, "predict", breaking)
        assert score(*arguments).exit_code == 130
    assert (tmp_path / "out.part.json").exists()
    return arguments


def refusal(result: Result) -> str:
    assert result.exit_code == 1
    assert isinstance(result.exception, ServiceError)
    return str(result.exception)


def test_other_options_do_not_go_on_with_a_part(score: Any, interrupted: list[object]) -> None:
    assert "another prefix (, now x_)" in refusal(score(*interrupted, "--prefix", "x_"))
    assert "--restart" in refusal(score(*interrupted, "--prefix", "x_"))
    assert score(*interrupted, "--prefix", "x_", "--restart").exit_code == 3


def test_another_input_does_not_go_on_with_a_part(score: Any, interrupted: list[object]) -> None:
    with Path(str(interrupted[0])).open("ab") as file:
        file.write(b"more\n")
    assert "another input" in refusal(score(*interrupted))


def test_another_model_does_not_go_on_with_a_part(score: Any, interrupted: list[object], small: BundleFolder) -> None:
    small.change_manifest(version=2)
    small.path.rename(small.path.with_name("2"))
    assert "another model" in refusal(score(*interrupted))


@pytest.mark.parametrize("damage", ["", "{}", '{"job": 1, "size": 2}'])
def test_a_damaged_checkpoint_is_told(score: Any, interrupted: list[object], tmp_path: Path, damage: str) -> None:
    (tmp_path / "out.part.json").write_text(damage)
    assert "--restart" in refusal(score(*interrupted))


def test_a_part_that_is_shorter_than_its_checkpoint_is_told(
    score: Any, interrupted: list[object], tmp_path: Path
) -> None:
    os.truncate(tmp_path / "out.part", 3)
    assert "shorter" in refusal(score(*interrupted))


def test_a_checkpoint_without_its_part_is_nothing_to_go_on_from(
    score: Any, interrupted: list[object], tmp_path: Path
) -> None:
    (tmp_path / "out.part").unlink()
    assert score(*interrupted).exit_code == 3
    assert (tmp_path / "out").read_text().count("\n") == ROWS + 1


def test_what_comes_from_standard_input_leaves_no_checkpoint(score: Any, tmp_path: Path) -> None:
    result = score("-", "--format", "text", "--output", tmp_path / "out", input=b"good\n")
    assert result.exit_code == 0
    assert [path.name for path in tmp_path.glob("out*")] == ["out"]


def test_the_bar_is_for_terminals_only(flags: list[str], tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"good\n" * 99)
    main, terminal = os.openpty()
    done = subprocess.run(
        command(tmp_path / "in.txt", *flags), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=terminal, check=True
    )
    os.close(terminal)
    assert b"100%" in os.read(main, 10_000)
    os.close(main)
    assert done.stdout.count(b"\n") == 100


# Parquet.


@pytest.fixture
def table(tmp_path: Path) -> Path:
    arrow: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    columns = {
        "id": arrow.array(range(3_000)),
        "text": arrow.array([None if i % 10 == 0 else "good" if i % 2 else "bad" for i in range(3_000)]),
        "kind": arrow.array(["a", "b", None] * 1_000).dictionary_encode(),
        "label": arrow.array([[i] for i in range(3_000)]),
    }
    parquet.write_table(arrow.table(columns), tmp_path / "in.parquet", row_group_size=700)
    return tmp_path / "in.parquet"


def test_parquet_comes_back_with_its_columns_and_those_of_the_prediction(score: Any, table: Path) -> None:
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    said = refusal(score(table, "--output", table.with_name("out.parquet")))
    assert "'label' already; give the added names another beginning: --prefix sentiment_" in said
    result = score(table, "--output", table.with_name("out.parquet"), "--prefix", "my_")
    assert result.exit_code == 3, result.output
    before, after = parquet.read_table(table), parquet.read_table(table.with_name("out.parquet"))
    assert after.column_names == [
        *before.column_names,
        *(f"my_{name}" for name in ("label", "probability", "words", "known_words", "truncated", "error")),
    ]
    assert after.select(before.column_names).to_pylist() == before.to_pylist()
    first, second, third = after.slice(0, 3).to_pylist()
    assert (first["my_label"], first["my_error"]) == (None, "row 1: The text is missing.")
    assert (second["my_label"], round(second["my_probability"], 3), second["my_error"]) == ("positive", 0.881, None)
    assert round(third["my_probability"], 3) == 0.119
    assert not list(table.parent.glob("*.part*"))


def test_parquet_that_was_interrupted_comes_to_the_same_table(
    score: Any, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    arguments = (table, "--output", table.with_name("out.parquet"), "--prefix", "my_")
    assert score(*arguments[:2], table.with_name("whole.parquet"), *arguments[3:]).exit_code == 3
    begin, windows = score_module._begin, 0

    def breaking(*these: Any) -> Any:
        nonlocal windows
        windows += 1
        if windows == 5:
            raise KeyboardInterrupt
        return begin(*these)

    with monkeypatch.context() as broken:
        broken.setattr(score_module, "_begin", breaking)
        assert score(*arguments).exit_code == 130
    assert table.with_name("out.parquet.part.json").exists()
    assert score(*arguments).exit_code == 3
    assert table.with_name("out.parquet").read_bytes() == table.with_name("whole.parquet").read_bytes()
    assert parquet.read_table(table.with_name("out.parquet")).num_rows == 3_000


@pytest.mark.parametrize(("column", "words"), [("review", "no column 'review'"), ("id", "holds int64, not strings")])
def test_a_table_without_texts_is_told(score: Any, table: Path, column: str, words: str) -> None:
    arguments = (table, "--output", table.with_name("out.parquet"), "--column", column, "--prefix", "my_")
    assert words in refusal(score(*arguments))


def test_without_pyarrow_the_extra_is_named(score: Any, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "service.files.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "conv1d-sentiment[parquet]" in refusal(score(table, "--output", table.with_name("out.parquet")))


def test_under_auto_each_record_says_the_model_of_its_script(two_languages: Settings, tmp_path: Path) -> None:
    def scored(name: str, content: bytes, *arguments: object) -> bytes:
        (tmp_path / name).write_bytes(content)
        flags = ["--models-dir", two_languages.models_dir, "--model", "auto", "--output", tmp_path / f"out-{name}"]
        result = CliRunner().invoke(cli, ["score", *map(str, (tmp_path / name, *flags, *arguments))])
        assert result.exit_code == 0, result.output
        return (tmp_path / f"out-{name}").read_bytes()

    texts = ["good", "좋다", "bad", "나쁘다"] * 400
    rows = list(csv.DictReader(scored("in.csv", "\n".join(["text", *texts]).encode()).decode().splitlines()))
    assert [row["model"] for row in rows] == ["small/1", "small-korean/1"] * 800
    assert [row["label"] for row in rows] == ["positive", "positive", "negative", "negative"] * 400
    lines = [json.loads(line) for line in scored("in.txt", "\n".join(texts).encode()).splitlines()[:-1]]
    assert [line["model"]["name"] for line in lines] == ["small", "small-korean"] * 800
    arrow: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"text": texts}), tmp_path / "table.parquet")
    table = scored("in.parquet", (tmp_path / "table.parquet").read_bytes())
    (tmp_path / "answer.parquet").write_bytes(table)
    models = parquet.read_table(tmp_path / "answer.parquet")["model"].to_pylist()
    assert models == ["small/1", "small-korean/1"] * 800


# Processes.


def processes_of(process: "subprocess.Popen[bytes]") -> list[int]:
    """Wait for the processes that score for a command."""
    while process.poll() is None:
        found = subprocess.run(["pgrep", "--parent", str(process.pid)], capture_output=True, text=True, check=False)
        if pids := found.stdout.split():
            return [int(pid) for pid in pids]
    raise AssertionError("the command has ended")


def is_running(pid: int) -> bool:
    """Tell whether a process is there and no zombie, which nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def stopped(flags: list[str], tmp_path: Path) -> Iterator[tuple["subprocess.Popen[bytes]", list[int]]]:
    """A command after its first checkpoint, in a process group of its own, and the processes that score for it."""
    (tmp_path / "in.txt").write_bytes(file_of("txt", rows=100_000))
    arguments = command(tmp_path / "in.txt", "--output", tmp_path / "out", *flags)
    with subprocess.Popen(arguments, env=ENVIRONMENT, stderr=subprocess.PIPE, process_group=0) as process:
        wait_for_another(tmp_path / "out.part.json", process)
        yield process, processes_of(process)
        process.kill()


@needs_fork
def test_a_process_that_is_killed_ends_the_command_and_the_same_command_goes_on(
    stopped: tuple["subprocess.Popen[bytes]", list[int]], score: Any, tmp_path: Path
) -> None:
    command, scoring = stopped
    os.kill(scoring[0], signal.SIGKILL)
    _, said = command.communicate(timeout=20)
    assert (command.returncode, said.count(b"\n"), b"A process that scored was killed" in said) == (1, 1, True)
    assert not any(map(is_running, scoring))
    assert score(tmp_path / "in.txt", "--output", tmp_path / "out").exit_code == 3
    assert (tmp_path / "out").read_bytes().count(b"\n") == 100_001


@needs_fork
def test_the_processes_do_not_outlive_the_command(stopped: tuple["subprocess.Popen[bytes]", list[int]]) -> None:
    command, scoring = stopped
    assert len(scoring) == available_cores()
    command.kill()
    deadline = time.monotonic() + 10
    while any(map(is_running, scoring)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_running, scoring))


@needs_fork
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_is_told_once(
    stopped: tuple["subprocess.Popen[bytes]", list[int]], number: signal.Signals
) -> None:
    command, scoring = stopped
    os.killpg(command.pid, number)
    _, said = command.communicate(timeout=20)
    assert (command.returncode, said.decode()) == (130, "interrupted; the same command resumes it\n")
    assert not any(map(is_running, scoring))


def test_threads_give_the_same_bytes(score: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.txt").write_bytes(file_of("txt"))
    expected = score(tmp_path / "in.txt").stdout_bytes
    monkeypatch.setattr(pool, "FORKS", False)
    monkeypatch.setattr(pool, "ProcessPoolExecutor", None)
    assert score(tmp_path / "in.txt").stdout_bytes == expected
