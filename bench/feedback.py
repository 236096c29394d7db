"""Measure the cost of remembering answers for feedback to `/predict`: `python -m bench.feedback`."""

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median, stdev

import click

from bench.servers import Server, children, load, running, write_bodies
from bench.texts import reviews, shortened


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--bundle", type=click.Path(path_type=Path), default=Path("models/imdb-conv1d/1"), show_default=True)
@click.option("--words", type=click.IntRange(0), default=20, show_default=True, help="Of each text; 0 for all.")
@click.option("--connections", type=click.IntRange(1), default=64, show_default=True)
@click.option("--seconds", type=click.IntRange(1), default=3, show_default=True, help="Of load for each measurement.")
@click.option("--rounds", type=click.IntRange(1), default=9, show_default=True, help="In which the servers take turns.")
@click.option("--answers", type=click.IntRange(1), default=1_000_000, show_default=True, help="Remembered at most.")
def main(bundle: Path, words: int, connections: int, seconds: int, rounds: int, answers: int) -> None:
    """Measure the service with feedback, with and without texts, as a ratio to the service without it."""
    texts, source = reviews(2_000)
    with tempfile.TemporaryDirectory() as folder:
        bodies = Path(folder) / "bodies"
        write_bodies(shortened(texts, words) if words else texts, bodies)
        own = [sys.executable, "-m", "service", "serve", "--port", "PORT", "--request-log", "false"]
        own += ["--models-dir", str(bundle.parents[1]), "--model", bundle.parent.name, "--model-version", bundle.name]
        on = [*own, "--feedback-max-answers", str(answers), "--feedback-file"]
        servers = [
            Server("without", own),
            Server("with feedback", [*on, f"{folder}/labels.db"]),
            Server("and texts", [*on, f"{folder}/texts.db", "--feedback-texts", "true"]),
        ]
        seen: dict[str, list[tuple[float, float, float]]] = {server.name: [] for server in servers}
        with ExitStack() as stack:  # all at a time: those that are not asked cost nothing
            started = {server.name: stack.enter_context(running(server)) for server in servers}
            for address, _, _ in started.values():
                load(address, bodies, connections, 1)
            for number in range(rounds):
                turn = number % len(servers)
                for server in servers[turn:] + servers[:turn]:  # so that none is always the first
                    address, _, pid = started[server.name]
                    before = _processor_seconds(pid)
                    found = load(address, bodies, connections, seconds)
                    spent = _processor_seconds(pid) - before
                    seen[server.name].append((found.per_second, found.p99_ms, spent / found.per_second / seconds * 1e6))
                    if found.errors:
                        raise click.ClickException(f"{server.name}: {found.errors} errors")
    click.echo(f"{connections} connections, {words or 'all'} words a text ({source})\n")
    click.echo("| | requests/s | ratio | p99 ms | processor µs a request | ratio |\n|---|---|---|---|---|---|")
    for name, rounds_of_it in seen.items():
        rate, p99, processor = (median(column) for column in zip(*rounds_of_it, strict=True))
        rates, processors = (
            _ratio([(own[place], base[place]) for own, base in zip(rounds_of_it, seen["without"], strict=True)])
            for place in (0, 2)
        )
        click.echo(f"| {name} | {rate:,.0f} | {rates} | {p99:.1f} | {processor:.1f} | {processors} |")


def _ratio(pairs: Sequence[tuple[float, float]]) -> str:
    """Write the median of ratios, and the standard error of their mean."""
    ratios = [own / base for own, base in pairs]
    error = stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else 0.0
    return f"{median(ratios):.3f} ± {error:.3f}"


def _processor_seconds(pid: int) -> float:
    """Add up the processor time of a process and its children; of many requests, as a busy machine slows all alike."""
    ticks = 0
    for each in (pid, *children(pid)):
        values = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(values[11]) + int(values[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
