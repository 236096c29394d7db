"""The tables of figures."""

from bench.peers.table import tables


def row(per_second: float) -> dict[str, float]:
    return {"per_second": per_second, "p50_ms": 1.5, "p99_ms": 12, "errors": 3}


FOUND = {
    "http": {"full reviews": {"64": {"this service": row(3_000), "mosec 1.0": row(1_500), "dead 2.0": row(0)}}},
    "start": {"mosec 1.0": {"first_answer_seconds": 2.345, "mb_at_rest": 300.4, "mb_after_load": 1_234}},
    "failed": {"ray 3.0": "not installed: no |\nsuch version"},
}


def test_each_server_has_its_figures_and_what_this_service_is_to_it() -> None:
    lines = tables(FOUND).split("\n")
    assert "### Peers, full reviews, one a request" in lines
    assert "| 64 | this service | 3,000 | 1.50 | 12.00 | 3 | 1.00 |" in lines
    assert "| 64 | mosec 1.0 | 1,500 | 1.50 | 12.00 | 3 | 2.00 |" in lines
    assert "| 64 | dead 2.0 | 0 | 1.50 | 12.00 | 3 |  |" in lines
    assert "| mosec 1.0 | 2.35 | 300 | 1,234 |" in lines


def test_a_peer_without_figures_has_a_row_that_says_why_in_one_line() -> None:
    assert "| | ray 3.0 | not measured: not installed: no \\| such version | | | | |" in tables(FOUND).split("\n")


def test_without_this_service_there_is_nothing_to_compare_with() -> None:
    found = {**FOUND, "http": {"full reviews": {"64": {"mosec 1.0": row(1_500)}}}}
    assert "| 64 | mosec 1.0 | 1,500 | 1.50 | 12.00 | 3 |  |" in tables(found).split("\n")


def test_all_lines_of_a_table_have_as_many_cells() -> None:
    for table in tables(FOUND).split("\n\n"):
        rows = [line.replace("\\|", "") for line in table.split("\n") if line.startswith("|")]
        assert len({line.count("|") for line in rows}) <= 1
