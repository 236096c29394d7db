"""A file to its output: every format, what is bad in it, and nothing half written."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from service.cluster import scored_file
from service.cluster.corpus import find_files
from service.cluster.manifest import Manifest
from service.cluster.scored_file import Job, Outcome, read_outcome, score_file
from service.cluster.storage import Storage
from service.models.packed import PackedModels
from tests.service.stores import store_of

Run = Callable[..., dict[str, Outcome]]


@pytest.fixture
def run(corpus: Path, tmp_path: Path, models: PackedModels, job_of: Callable[..., Job]) -> Run:
    def score(source: Path = corpus, **changes: Any) -> dict[str, Outcome]:
        job = job_of(source, tmp_path / "out", **changes)
        files = find_files(Storage(str(source)), changes.get("format_name")).files
        return {file.name: score_file(job, file, models) for file in files}

    return score


def rows(path: Path, *columns: str) -> list[Any]:
    return [tuple(row.values()) for row in parquet.read_table(path, columns=[*columns] or None).to_pylist()]


def test_csv_keeps_its_fields_as_they_are_written(run: Run, tmp_path: Path) -> None:
    outcome = run()["reviews.csv"]
    assert rows(tmp_path / "out/reviews.csv.parquet", "id", "text", "note", "label", "error") == [
        ("07", "good", "a\nb", "positive", None),
        ("8", "", "x", None, "line 4: The text is blank; there is nothing to judge."),
        (None, None, None, None, "line 5: The row has 2 fields, the header 3."),
    ]
    assert (outcome.summary["scored"], outcome.summary["errors"], outcome.error) == (1, 2, None)


def test_members_of_json_become_columns_of_their_types(run: Run, tmp_path: Path) -> None:
    run()
    table = parquet.read_table(tmp_path / "out/year=2025/reviews.jsonl.gz.parquet", partitioning=None)
    assert table.schema.types[:4] == [pyarrow.int64(), pyarrow.string(), pyarrow.float64(), pyarrow.string()]
    assert table.select(["id", "text", "score", "more", "label"]).to_pydict() == {
        "id": [1, None, None, None],
        "text": ["good", "bad", "the film", "5"],
        "score": [1.0, 2.5, None, None],
        "more": [None, '{"a": ["é"]}', None, None],
        "label": ["positive", "negative", "positive", None],
    }
    assert table.column("error")[3].as_py() == "line 4: The text is not a string."


def test_lines_have_their_numbers(run: Run, tmp_path: Path) -> None:
    run()
    assert rows(tmp_path / "out/lines.txt.parquet", "line", "text", "label", "error") == [
        (1, "good", "positive", None),
        (2, "", None, "line 2: The line is blank; there is nothing to judge."),
        (3, "bad", "negative", None),
    ]


def test_parquet_keeps_its_columns_and_metadata(run: Run, corpus: Path, tmp_path: Path) -> None:
    file = corpus / "year=2025/part-0.parquet"
    table = parquet.read_table(file, partitioning=None)
    parquet.write_table(table.replace_schema_metadata({"pandas": "{}"}), file)
    run()
    out = parquet.read_table(tmp_path / "out/year=2025/part-0.parquet", partitioning=None)
    answers = ["model_label", "probability", "words", "known_words", "truncated", "error", "model"]
    assert out.schema.names == ["text", "label", *answers]
    assert out.column("label").to_pylist() == ["p", "n"]
    assert out.column("model_label").to_pylist() == ["positive", "negative"]
    assert out.schema.metadata[b"pandas"] == b"{}"
    empty = parquet.read_table(tmp_path / "out/empty.parquet")
    assert (empty.num_rows, empty.schema.names) == (0, out.schema.names)


def test_a_broken_file_is_named_and_has_no_output(run: Run, tmp_path: Path) -> None:
    outcomes = run()
    assert [name for name, outcome in outcomes.items() if outcome.error] == ["broken.parquet"]
    assert (outcomes["broken.parquet"].error or "").startswith("broken.parquet cannot be read as Parquet: ")
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    in_year = ["year=2025/part-0.parquet", "year=2025/reviews.jsonl.gz.parquet"]
    assert written == ["empty.parquet", "lines.txt.parquet", "reviews.csv.parquet", *in_year]


@pytest.mark.parametrize(
    ("name", "content", "changes", "message"),
    [
        ("a.csv", b"id,review\n1,good\n", {}, "no column 'text'; it has 'id', 'review'"),
        ("a.csv", "text\n좋다\n".encode("cp949"), {}, "--encoding cp949"),
        ("a.csv.gz", b"text\ngood\n", {}, None),
        ("a.csv", b"a;text\n1;good\n", {"delimiter": ";"}, None),
        ("a.csv", b"text\ngood\n", {"delimiter": "ab"}, "delimiter is 'ab'"),
        ("a.csv", "text\n좋다\n".encode("cp949"), {"encoding": "cp949"}, None),
        ("a.txt", b"good\n", {"encoding": "klingon"}, "klingon"),
        ("a.json", b'["good", {"text": "bad", "label": 1}]', {}, None),
        ("a.json", b'{"a": 1}\n', {}, "JSON is read here as an array"),
        ("a.ndjson", b"", {}, None),
        ("a.csv", b"text,text\na,b\n", {}, "more than one column 'text'"),
        ("a.csv", b"id,id,,text\n1,2,3,good\n", {}, None),
        ("a.log", b"good\n", {"format_name": "text"}, None),
    ],
)
def test_files_that_cannot_be_read_say_why(
    run: Run, tmp_path: Path, name: str, content: bytes, changes: dict[str, Any], message: str | None
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / name).write_bytes(content)
    outcome = run(tmp_path / "one", **changes)[name]
    if message:
        assert message in (outcome.error or "")
        assert not (tmp_path / "out").exists()
    else:
        assert (outcome.error, outcome.summary["errors"]) == (None, 0)


def test_columns_without_a_name_and_of_one_name_are_told_apart(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.csv").write_bytes(b"id,id,,text\n1,2,3,good\n")
    run(tmp_path / "one")
    out = parquet.read_table(tmp_path / "out/a.csv.parquet")
    assert out.select(range(4)).to_pylist() == [{"id": "1", "id.2": "2", "3": "3", "text": "good"}]


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([True, None], [True, None]),
        ([1, 2.5], [1.0, 2.5]),
        ([2**60, 10**30], [str(2**60), "1" + "0" * 30]),
        ([1, "a", [1], True], ["1", "a", "[1]", "true"]),
        (["\ud800", "b"], ["?", "b"]),
        ([None], [None]),
    ],
)
def test_members_of_mixed_kinds_lose_nothing(run: Run, tmp_path: Path, values: list[Any], column: list[Any]) -> None:
    (tmp_path / "one").mkdir()
    lines = [json.dumps({"text": "good", "of": value}) for value in values]
    (tmp_path / "one" / "a.ndjson").write_text("\n".join([*lines, "no JSON"]))
    assert run(tmp_path / "one")["a.ndjson"].summary["errors"] == 1
    assert [row[0] for row in rows(tmp_path / "out/a.ndjson.parquet", "of")] == [*column, None]


def test_an_output_says_of_itself_what_it_is(run: Run, tmp_path: Path) -> None:
    outcomes = run()
    target = Storage(str(tmp_path / "out"))
    inside = read_outcome(target, "lines.txt.parquet")
    assert inside
    assert inside.summary == outcomes["lines.txt"].summary
    assert (inside.version, inside.job) == (outcomes["lines.txt"].version, outcomes["lines.txt"].job)
    parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "out/other.parquet")
    (tmp_path / "out/none.parquet").write_bytes(b"")
    assert read_outcome(target, "other.parquet") is read_outcome(target, "none.parquet") is None


def test_a_failure_in_the_middle_leaves_nothing(
    run: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of\nluck")

    monkeypatch.setattr(scored_file, "predicted", fail)
    assert run(corpus / "lines.txt")["lines.txt"].error == "RuntimeError: out of luck"
    assert not [*(tmp_path / "out").rglob("*")]


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_a_store_is_read_and_written_as_a_folder_is(
    kind: str, run: Run, corpus: Path, tmp_path: Path, models: PackedModels, job_of: Callable[..., Job]
) -> None:
    expected = run()
    with store_of(kind, corpus) as source:
        target = source.rpartition("/")[0] + "/out"
        job, files = job_of(source, target), find_files(Storage(source), None).files
        Manifest(job, restart=False).write()
        outcomes = {file.name: score_file(job, file, models) for file in files}
        assert {name: one.summary for name, one in outcomes.items()} == {
            name: one.summary for name, one in expected.items()
        }
        for path in (tmp_path / "out").rglob("*.parquet"):
            name = str(path.relative_to(tmp_path / "out"))
            content = Storage(target).read(name)
            assert content
            assert (
                parquet.read_table(BytesIO(content)).to_pydict()
                == parquet.read_table(path, partitioning=None).to_pydict()
            )
        assert len(Storage(target).infos()) == 6  # with the manifest
        again = find_files(Storage(source), None).files
        assert [file.name for file in Manifest(job, restart=False).pending(again)] == ["broken.parquet"]
