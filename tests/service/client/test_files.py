"""Whole files by way of the client."""

import gzip
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from service.__main__ import cli
from service.client import CheckpointError, Client, FileSummary, NotReachedError, RefusedError, chunks
from tests.service.client.scripted import AT_ONCE, in_a_loop, models, scripted
from tests.service.files.test_score import file_of
from tests.service.running import Running


def rounded(data: bytes) -> bytes:
    """Probabilities without the last digits, which depend on what is computed together."""
    return re.sub(rb"0\.\d+", lambda number: b"%.3f" % float(number[0]), data)


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "txt"])
@pytest.mark.parametrize("records", [3, 500])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_file_in_chunks_is_scored_as_in_one_go(
    service: Running,
    client: Client,
    models_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    records: int,
    asynchronous: bool,
) -> None:
    source, target, expected = (tmp_path / f"{name}.{suffix}" for name in ("source", "target", "expected"))
    source.write_bytes(file_of(suffix, rows=600 if records < 10 else 2_000))
    flags = ["--models-dir", str(models_dir), "--model", "small", "--model-version", "1", "--max-text-chars", "60"]
    result = CliRunner().invoke(cli, ["score", str(source), "--output", str(expected), *flags])
    monkeypatch.setattr(chunks, "CHUNK_RECORDS", records)
    if asynchronous:
        summary = in_a_loop(service.address, lambda aio: aio.score_file(source, target))
    else:
        summary = client.score_file(source, target)
    assert rounded(target.read_bytes()) == rounded(expected.read_bytes())
    assert summary.errors > 20
    assert f"{summary.scored:,} scored, {summary.errors:,} errors" in result.stderr


def test_compressed_files_and_the_options_of_csv(client: Client, tmp_path: Path) -> None:
    source, target = tmp_path / "reviews.csv.gz", tmp_path / "scored.csv.gz"
    source.write_bytes(gzip.compress(b'review;label\n"good; ""so"" good\n";x\nbad;y'))
    summary = client.score_file(source, target, column="review", delimiter=";", prefix="model_")
    assert summary == FileSummary(scored=2, errors=0)
    header, *rows = gzip.decompress(target.read_bytes()).decode().split("\n", 3)
    assert header == "review;label;model_label;model_probability;model_error"
    assert rows[0] == '"good; ""so"" good'
    assert rows[1].startswith('";x;positive;0.98')
    tabbed = tmp_path / "reviews.tsv"
    tabbed.write_bytes(b"id\ttext\n1\tgood, bad")
    assert client.score_file(tabbed, tmp_path / "out.tsv").scored == 1


def test_the_encoding_the_quotes_and_a_missing_header_are_chosen(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_RECORDS", 2)
    source, target = tmp_path / "reviews.csv", tmp_path / "scored.csv"
    source.write_bytes('1;"good;영화\n2;bad;영화\n3;good;좋다\n'.encode("cp949"))
    options: dict[str, Any] = {"delimiter": ";", "quote": "none", "header": "none", "encoding": "cp949"}
    assert client.score_file(source, target, column="2", **options) == FileSummary(scored=3, errors=0)
    rows = target.read_bytes().decode("cp949").splitlines()
    assert [row.split(";")[:4] for row in rows] == [
        ["1", '"good', "영화", "positive"],
        ["2", "bad", "영화", "negative"],
        ["3", "good", "좋다", "positive"],
    ]


def test_a_first_line_that_names_the_delimiter_stays_with_the_header_of_every_piece(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_RECORDS", 2)
    source, target = tmp_path / "reviews.csv", tmp_path / "scored.csv"
    source.write_bytes(b"sep=;\r\nid;text\r\n" + b"".join(b"%d;good\r\n" % row for row in range(5)))
    assert client.score_file(source, target) == FileSummary(scored=5, errors=0)
    lines = target.read_text().splitlines()
    assert lines[:2] == ["sep=;", "id;text;label;probability;error"]
    assert [line.split(";")[0] for line in lines[2:]] == list("01234")


@pytest.mark.parametrize(
    ("options", "content", "message"),
    [
        ({"quote": "single"}, b"text\n", "quote is 'single'; it should be 'double' or 'none'."),
        ({"header": "no"}, b"text\n", "header is 'no'; it should be 'first' or 'none'."),
        ({"encoding": "utf-9"}, b"text\n", "encoding is 'utf-9', which is no encoding."),
        ({"encoding": "UTF-16LE"}, b"text\n", "save it as UTF-8"),
        ({}, "text\ngood\n".encode("utf-16"), "save it as UTF-8"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_sent(
    client: Client, tmp_path: Path, options: dict[str, Any], content: bytes, message: str
) -> None:
    source = tmp_path / "reviews.csv"
    source.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        client.score_file(source, tmp_path / "scored.csv", **options)
    assert not (tmp_path / "scored.csv").exists()


@pytest.mark.parametrize(
    ("name", "content", "slug"),
    [
        ("a.csv", b"id,review\n1,good\n", "invalid-request"),
        ("a.csv", b"", "invalid-request"),
        ("a.txt", b"", "no-body"),
    ],
)
def test_a_file_that_is_none_is_refused_and_the_target_stays(
    client: Client, tmp_path: Path, name: str, content: bytes, slug: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "target").write_bytes(b"precious")
    with pytest.raises(RefusedError) as caught:
        client.score_file(tmp_path / name, tmp_path / "target")
    assert caught.value.type == f"/problems/{slug}"
    assert (tmp_path / "target").read_bytes() == b"precious"


def test_a_header_alone_and_blank_lines_alone_are_files_too(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\n\nid,text")
    (tmp_path / "a.txt").write_bytes(b"\n\n")
    assert client.score_file(tmp_path / "a.csv", tmp_path / "b.csv") == FileSummary(0, 0)
    assert (tmp_path / "b.csv").read_bytes() == b"id,text,label,probability,error\n"
    assert client.score_file(tmp_path / "a.txt", tmp_path / "b.txt") == FileSummary(0, 0)


def test_a_file_of_an_unknown_kind_is_told_what_there_is(client: Client, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it should end in \.csv, \.tsv"):
        client.score_file(tmp_path / "a.doc", tmp_path / "b.doc")


def test_a_csv_answer_with_too_few_rows_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text\ngood\nbad\n")
    head = b"text,label,probability,error\n"
    rows = b"good,positive,0.9,\nbad,,,line 3: Oh.\n"
    client, script = scripted([models(), *(httpx.Response(200, content=head + body) for body in (rows[:19], rows))])
    client._retry = AT_ONCE
    assert client.score_file(tmp_path / "a.csv", tmp_path / "b.csv") == FileSummary(scored=1, errors=1)
    assert (tmp_path / "b.csv").read_bytes() == head + rows
    assert len(script.requests) == 3


def test_the_target_is_never_the_source(client: Client, tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"text\ngood\n")
    (tmp_path / "link.csv").symlink_to(source)
    (tmp_path / "hard.csv").hardlink_to(source)
    for target in ("a.csv", "link.csv", "hard.csv"):
        with pytest.raises(ValueError, match="The target is the source"):
            client.score_file(source, tmp_path / target)
    assert source.read_bytes() == b"text\ngood\n"


@pytest.mark.parametrize(
    ("source", "target", "fitting"),
    [
        ("a.csv", "b.parquet", ".csv"),
        ("a.csv", "b.tsv", ".csv"),
        ("a.tsv.gz", "b.csv", ".tsv"),
        ("a.ndjson", "b.json", ".ndjson"),
        ("a.txt", "b.csv.gz", ".ndjson"),
    ],
)
def test_a_target_of_another_format_is_refused_with_one_that_fits(
    client: Client, tmp_path: Path, source: str, target: str, fitting: str
) -> None:
    (tmp_path / source).write_bytes(b"text\ngood\n")
    with pytest.raises(ValueError, match=rf"name one that ends in \{fitting}\."):
        client.score_file(tmp_path / source, tmp_path / target)
    assert [path.name for path in tmp_path.iterdir()] == [source]


def stop_after(requests: int, service: Running, source: Path, target: Path) -> None:
    """Scores a file by a service that disappears after so many requests."""
    left = requests

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal left
        if not left:
            raise httpx.ConnectError("gone")
        left -= 1
        with httpx.Client(base_url=service.address) as real:
            path, headers = request.url.raw_path.decode(), dict(request.headers)
            answer = real.request(request.method, path, content=request.content, headers=headers)
            return httpx.Response(answer.status_code, content=answer.content)

    transport = httpx.MockTransport(answer)
    leaving = Client(service.address, api_key="secret", transport=transport, retry=AT_ONCE)
    with leaving, pytest.raises(NotReachedError):
        leaving.score_file(source, target)


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "txt", "csv.gz"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_interrupted_file_goes_on_where_it_stopped(
    service: Running, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, asynchronous: bool
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_RECORDS", 50)
    source, target, whole = (tmp_path / f"{name}.{suffix}" for name in ("source", "target", "whole"))
    content = file_of(suffix.removesuffix(".gz"), rows=600)
    source.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    expected = client.score_file(source, whole)
    target.write_bytes(b"of yesterday")

    def read(path: Path) -> bytes:
        return gzip.decompress(path.read_bytes()) if suffix.endswith(".gz") else path.read_bytes()

    interrupted = 0
    for _ in range(2):
        stop_after(5, service, source, target)
        assert target.read_bytes() == b"of yesterday"
        part = read(tmp_path / f"target.{suffix}.part")
        assert len(part) > interrupted
        assert read(whole).startswith(part)
        interrupted = len(part)
    if asynchronous:
        summary = in_a_loop(service.address, lambda aio: aio.score_file(source, target))
    else:
        summary = client.score_file(source, target)
    assert summary == expected
    assert read(target) == read(whole)
    assert not list(tmp_path.glob("*.part*"))


def test_an_interrupted_file_goes_on_with_the_same_job_only(
    service: Running, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_RECORDS", 50)
    source, target = tmp_path / "a.csv", tmp_path / "b.csv"
    source.write_bytes(file_of("csv", rows=600))
    stop_after(5, service, source, target)
    with pytest.raises(CheckpointError, match=r"another options .* add restart=True to begin anew"):
        client.score_file(source, target, version=2)
    assert client.score_file(source, target, version=2, restart=True).errors > 0


def test_a_refusal_leaves_nothing_behind(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,review\n1,good\n")
    with pytest.raises(RefusedError):
        client.score_file(tmp_path / "a.csv", tmp_path / "b.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_whose_lines_are_not_found_is_refused_with_what_reads_it(
    client: Client, tmp_path: Path, encoding: str
) -> None:
    source = tmp_path / "reviews.csv"
    source.write_text('id,text\n1,"good\nfilm"\n', encoding=encoding)
    with pytest.raises(ValueError, match="python -m service score"):
        client.score_file(source, tmp_path / "scored.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["reviews.csv"]
