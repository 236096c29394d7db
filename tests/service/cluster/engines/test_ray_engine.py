"""A cluster of several nodes: the answers of `score`, and none lost or twice, whatever dies."""

import json
import random
import signal
import subprocess
from pathlib import Path

import fsspec
import pyarrow
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from service.__main__ import cli
from service.cluster.manifest import NAME
from tests.service.cluster.engines.conftest import Nodes, Run, finished
from tests.service.conftest import MODELS_DIR
from tests.service.running import until

FILES, ROWS = 12, 20_000
MINUTES = 600.0  # on a busy machine
COLUMNS = ["label", "probability", "words", "known_words", "truncated"]


@pytest.fixture(scope="session")
def large_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Corpus of numbered rows, large enough that something can happen meanwhile."""
    folder = tmp_path_factory.mktemp("large")
    chance = random.Random(1)  # noqa: S311
    texts = [" ".join(chance.choices(["good", "bad", "film", "the"], k=8)) for _ in range(ROWS)]
    for number in range(FILES):
        ids = range(number * ROWS, (number + 1) * ROWS)
        parquet.write_table(pyarrow.table({"id": ids, "text": texts}), folder / f"part-{number:02}.parquet")
    return folder


def outputs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def assert_whole(folder: Path) -> None:
    """Check that every row is there, once, in its file and in its place."""
    assert [path.name for path in outputs(folder)] == [f"part-{number:02}.parquet" for number in range(FILES)]
    table = pyarrow.concat_tables([parquet.read_table(path) for path in outputs(folder)])
    assert table.column("id").to_pylist() == [*range(FILES * ROWS)]
    assert table.column("probability").null_count == table.column("error").null_count - FILES * ROWS == 0
    assert len(json.loads((folder / NAME).read_text())["files"]) == FILES
    assert {path.name for path in folder.iterdir()} == {NAME, *(path.name for path in outputs(folder))}


def test_the_answers_are_those_of_score(nodes: Nodes, imdb_data_dir: Path, tmp_path: Path) -> None:
    reviews = parquet.read_table(imdb_data_dir / "reviews.parquet", columns=["id", "text"]).slice(24_500, 1_000)
    parquet.write_table(reviews, tmp_path / "all.parquet")
    for number in range(4):
        folder = tmp_path / "in" / f"share={number}"
        folder.mkdir(parents=True)
        parquet.write_table(reviews.slice(number * 250, 250), folder / "part.parquet")
    flags = ["--models-dir", str(MODELS_DIR)]
    alone = [str(tmp_path / "all.parquet"), "--output", str(tmp_path / "scored.parquet"), *flags]
    assert CliRunner().invoke(cli, ["score", *alone]).exit_code == 0
    code, said = Run(flags)(tmp_path / "in", "--output", tmp_path / "out", "--address", nodes.cluster.address)
    assert (code, said.splitlines()[0]) == (0, "1,000 records of 4 files: 1,000 scored, 0 errors"), said
    parts = [parquet.read_table(tmp_path / f"out/share={n}/part.parquet", partitioning=None) for n in range(4)]
    together, expected = pyarrow.concat_tables(parts), parquet.read_table(tmp_path / "scored.parquet")
    assert together.select(["id", *COLUMNS]).equals(expected.select(["id", *COLUMNS]))


def test_a_killed_worker_a_lost_machine_and_a_new_one_lose_nothing(
    nodes: Nodes, run: Run, large_corpus: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = run.start(large_corpus, "--output", out, "--address", nodes.cluster.address)
    until(lambda: outputs(out), MINUTES)
    until(nodes.kill_worker, MINUTES)
    nodes.add()
    nodes.lose()
    assert len(outputs(out)) < FILES
    code, said = finished(process)
    assert code == 0, said
    assert said.startswith(f"{FILES * ROWS:,} records of {FILES} files: {FILES * ROWS:,} scored, 0 errors\n")
    assert_whole(out)


@pytest.fixture
def killed(nodes: Nodes, run: Run, large_corpus: Path, tmp_path: Path) -> Path:
    """The outputs of a run that was killed when one of them was there."""
    process = run.start(large_corpus, "--output", tmp_path / "out", "--address", nodes.cluster.address)
    until(lambda: outputs(tmp_path / "out"), MINUTES)
    process.kill()
    process.communicate()
    return tmp_path / "out"


def test_a_killed_run_goes_on_with_the_same_command(nodes: Nodes, run: Run, large_corpus: Path, killed: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in outputs(killed)}
    assert 0 < len(before) < FILES
    arguments = [large_corpus, "--output", killed, "--address", nodes.cluster.address]
    code, said = run(*arguments)
    assert code == 0, said
    assert " of them done before): 240,000 scored" in said
    assert_whole(killed)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    code, said = run(*arguments)  # and then there is nothing to do
    assert (code, f"({FILES} of them done before)" in said) == (0, True)


def test_broken_files_and_rows_are_named_and_the_others_finished(
    nodes: Nodes, run: Run, corpus: Path, tmp_path: Path
) -> None:
    arguments = [corpus, "--output", tmp_path / "out", "--address", nodes.cluster.address]
    for done in ("", " (5 of them done before)"):
        code, said = run(*arguments)
        assert (code, "Traceback" in said) == (3, False)
        assert said.startswith(f"12 records of 5 files{done}: 8 scored, 4 errors\n"), said
        assert "\nerror: broken.parquet: broken.parquet cannot be read as Parquet: " in said
        assert "1 file of other kinds left out: notes.doc" in said
    (corpus / "broken.parquet").unlink()
    assert "broken" not in run(*arguments)[1]


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_a_store_of_objects_is_read_and_written(kind: str, nodes: Nodes, run: Run, corpus: Path) -> None:
    files = fsspec.filesystem(kind)
    files.mkdir("objects")
    files.put(f"{corpus}/", "objects/in/", recursive=True)
    arguments = ["--output", f"{kind}://objects/out", "--address", nodes.cluster.address]
    for done in ("", " (5 of them done before)"):
        code, said = run(f"{kind}://objects/in", *arguments)
        # (before it the library of gs:// says that it has found no account)
        assert (code, f"12 records of 5 files{done}: 8 scored, 4 errors" in said.splitlines()) == (3, True), said
    files.invalidate_cache()
    with files.open("objects/out/year=2025/part-0.parquet") as file:
        assert parquet.read_table(file).column("model_label").to_pylist() == ["positive", "negative"]
    assert len(files.find("objects/out")) == 6
    code, said = run(f"{kind}://nowhere/in", *arguments)
    assert (code, "Traceback" in said, f"error: {kind}://nowhere/in: " in said) == (1, False, True), said


def test_without_an_address_a_cluster_starts_here_and_ends_with_the_run(
    run: Run, large_corpus: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = run.start(large_corpus, "--output", out, "--workers", "1:2")
    until(lambda: outputs(out) or process.poll() is not None, MINUTES)
    raylets = children(process.pid, "raylet/raylet")
    assert raylets
    process.send_signal(signal.SIGTERM)
    assert finished(process) == (130, "interrupted; the same command goes on\n")
    until(lambda: not [pid for pid in raylets if Path(f"/proc/{pid}").exists()], MINUTES)
    assert 0 < len(json.loads((out / NAME).read_text())["files"]) < FILES


def children(pid: int, command: str) -> list[str]:
    found = subprocess.run(
        ["pgrep", "--parent", str(pid), "--full", command], capture_output=True, text=True, check=False
    )
    return found.stdout.split()
