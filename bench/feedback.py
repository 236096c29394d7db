"""What remembering answers for feedback costs `/predict`: `python -m bench.feedback`."""

import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from bench.servers import Server, load, running, write_bodies
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
        rates: dict[str, list[float]] = {server.name: [] for server in servers}
        p99: dict[str, list[float]] = {server.name: [] for server in servers}
        with ExitStack() as stack:  # all at a time: those that are not asked cost nothing
            addresses = {server.name: stack.enter_context(running(server))[0] for server in servers}
            for address in addresses.values():
                load(address, bodies, connections, 1)
            for number in range(rounds):
                turn = number % len(servers)
                for server in servers[turn:] + servers[:turn]:  # so that none is always the first
                    seen = load(addresses[server.name], bodies, connections, seconds)
                    rates[server.name].append(seen.per_second)
                    p99[server.name].append(seen.p99_ms)
                    if seen.errors:
                        raise click.ClickException(f"{server.name}: {seen.errors} errors")
    click.echo(f"{connections} connections, {words or 'all'} words a text ({source})\n")
    click.echo("| | requests/s | ratio, median of the rounds | p99 ms |\n|---|---|---|---|")
    for name, seen_rates in rates.items():
        ratios = [rate / base for rate, base in zip(seen_rates, rates["without"], strict=True)]
        spread = statistics.stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else 0.0
        click.echo(
            f"| {name} | {statistics.median(seen_rates):,.0f} | {statistics.median(ratios):.3f} ± {spread:.3f} "
            f"| {statistics.median(p99[name]):.1f} |"
        )


if __name__ == "__main__":
    main()
