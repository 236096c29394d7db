"""The figures as Markdown."""

from typing import Any

SERVICE = "this service"


def tables(found: dict[str, Any]) -> str:
    """A table for each kind of text, one of start and memory; a server without figures has a row that says why."""
    failed = found["failed"]
    lines: list[str] = []
    for kind, by_connections in found["http"].items():
        lines += [f"### Peers, {kind}, one a request", ""]
        lines += ["| connections | server | requests/s | p50 ms | p99 ms | errors | requests/s of this service to it |"]
        lines += ["|---|---|---|---|---|---|---|"]
        for connections, rows in by_connections.items():
            for name, row in rows.items():
                ratio = f"{rows[SERVICE]['per_second'] / row['per_second']:.2f}" if _comparable(rows, row) else ""
                lines.append(
                    f"| {connections} | {name} | {row['per_second']:,.0f} | {row['p50_ms']:.2f} | {row['p99_ms']:.2f} "
                    f"| {row['errors']:.0f} | {ratio} |"
                )
        lines += [f"| | {name} | not measured: {_cell(reason)} | | | | |" for name, reason in failed.items()]
        lines.append("")
    lines += ["### Peers, start and memory of all processes together", ""]
    lines += ["| server | first answer after s | MB at rest | MB after load |", "|---|---|---|---|"]
    for name, row in found["start"].items():
        lines.append(
            f"| {name} | {row['first_answer_seconds']:.2f} | {row['mb_at_rest']:,.0f} | {row['mb_after_load']:,.0f} |"
        )
    return "\n".join([*lines, ""])


def _comparable(rows: dict[str, Any], row: dict[str, float]) -> bool:
    return SERVICE in rows and row["per_second"] > 0


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
