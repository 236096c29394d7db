"""The pictures of the benchmark: that they are of its figures, and the committed ones of the committed figures."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.constants import CONSTANTS
from bench.pictures import speed_pictures
from tests.training.report.test_plots import paths, texts

LAST_RUN = Path(__file__).parents[2] / "bench/last-run.json"


def row(per_second: float, p99_ms: float) -> dict[str, float]:
    return {"per_second": per_second, "p99_ms": p99_ms, "p50_ms": 1, "errors": 0}


FOUND = {
    "http": {
        "full reviews": {
            "1": {
                "this service": row(900, 1),
                "usual way, one worker": row(300, 4),
                "usual way, 4 workers": row(200, 8),
            },
            "64": {
                "this service": row(1_800, 30),
                "usual way, one worker": row(300, 160),
                "usual way, 4 workers": row(600, 120),
            },
        }
    }
}


def test_titles_compare_with_the_best_of_the_others() -> None:
    throughput, latency = speed_pictures(FOUND)
    assert throughput.title == "At 64 connections, 3.0 times as many requests a second as the usual way"
    assert latency.title == "At 64 connections, 99 of 100 answers come within 30 ms; the usual way, within 120 ms"
    for picture in (throughput, latency):
        assert {"connections", "this service", "usual way, one worker", "usual way, 4 workers"} <= set(texts(picture))
    assert "requests a second" in texts(throughput)
    assert "99th percentile (ms, logarithmic)" in texts(latency)


def test_servers_without_a_model_are_not_compared() -> None:
    rows = {name: row(90_000, 0.1) for name in CONSTANTS}
    full = {number: {**servers, **rows} for number, servers in FOUND["http"]["full reviews"].items()}
    with_constants = speed_pictures({"http": {"full reviews": full}})
    assert [picture.svg for picture in with_constants] == [picture.svg for picture in speed_pictures(FOUND)]


def test_lines_go_where_the_figures_are() -> None:
    throughput = speed_pictures(FOUND)[0]
    (_, first), (_, second) = paths(throughput, "#1d5fa8")[0]
    (_, low), _ = paths(throughput, "#b2500f")[0]
    assert (low - first) / (low - second) == pytest.approx((900 - 300) / (1_800 - 300), rel=1e-3)


def test_the_command_draws_the_pictures_of_an_earlier_run(tmp_path: Path) -> None:
    (tmp_path / "last.json").write_text(json.dumps(FOUND))
    done = CliRunner().invoke(main, ["--draw", "--output", str(tmp_path / "last.json")])
    assert done.exit_code == 0, done.output
    for picture in speed_pictures(FOUND):
        assert (tmp_path / f"{picture.name}.svg").read_text() == picture.svg


def test_without_an_earlier_run_there_is_nothing_to_draw(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--draw", "--output", str(tmp_path / "none.json")])
    assert done.exit_code == 2
    assert f"There is no {tmp_path / 'none.json'} to draw from" in done.output.replace("\n", " ")


def test_the_committed_pictures_are_those_of_the_last_run() -> None:
    found = json.loads(LAST_RUN.read_text())
    table = LAST_RUN.with_name("README.md").read_text()
    for picture in speed_pictures(found):
        committed = (LAST_RUN.parent / f"{picture.name}.svg").read_text()
        # Up to the names; matplotlib's next version may draw the lines otherwise.
        assert committed.split("<style>")[0] == picture.svg.split("<style>")[0]
        assert f"({picture.name}.svg)" in table
    for connections, servers in found["http"]["full reviews"].items():
        for server, figures in servers.items():
            assert f"| {connections} | {server} | {figures['per_second']:,.0f} | {figures['p50_ms']:.2f} " in table
