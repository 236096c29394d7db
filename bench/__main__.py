"""`make bench`: everything in one run on one machine, as a table with ratios and as JSON."""

import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import httpx

from bench import inprocess, tokenizing
from bench.constants import CONSTANTS, FASTAPI
from bench.pictures import speed_pictures
from bench.servers import Load, Server, load, median, memory_mb, processor, running, servers, write_bodies
from bench.texts import reviews, shortened
from service.inference.bundle import open_bundle

CONNECTIONS = (1, 16, 64, 256)
SHORT_WORDS = 20


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--bundle", type=click.Path(path_type=Path), default=Path("models/imdb-conv1d/3"), show_default=True)
@click.option("--seconds", type=click.IntRange(1), default=4, show_default=True, help="Of load for each measurement.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Of which the median counts.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("runs/bench.json"), show_default=True)
@click.option("--draw", is_flag=True, help="Measure nothing: draw the pictures of the run in --output again.")
def main(bundle: Path, seconds: int, rounds: int, output: Path, draw: bool) -> None:
    """Measure this service against the usual way of serving the same weights, and against constants without a model;
    pictures go beside the output.
    """
    if draw and not output.exists():
        raise click.UsageError(f"There is no {output} to draw from; --output names the figures of a run.")
    if draw:
        _draw(json.loads(output.read_text()), output)
        return
    if not shutil.which("wrk"):
        click.echo("error: the load generator wrk is missing; on Debian: apt-get install wrk", err=True)
        sys.exit(1)
    texts, source = reviews(2_000)
    inputs = {"full reviews": texts, f"{SHORT_WORDS}-word texts": shortened(texts, SHORT_WORDS)}
    cores = len(os.sched_getaffinity(0))
    machine = f"{cores} cores of {processor()}, shared with the load generator; {source}"
    click.echo(f"{machine}\n")
    manifest = open_bundle(bundle).manifest
    found: dict[str, Any] = {"machine": machine, "model": f"{manifest.name}/{manifest.version}"}
    found |= {"in_process": {}, "tokenizing": {}, "http": {}, "many": {}}
    for kind, these in inputs.items():
        for threads in sorted({1, cores}):
            rates = inprocess.measure(bundle, these, threads)
            found["in_process"][f"{kind}, {threads} threads"] = rates
            _table(f"In process, {kind}, {threads} thread{'s' * (threads > 1)}", rates, "fixed length")
        found["tokenizing"][kind] = times = tokenizing.measure(bundle, these)
        click.echo(f"### Tokenizing, {kind}\n\n| tokenizer | microseconds a text | times as fast |\n|---|---|---|")
        for name, microseconds in times.items():
            click.echo(f"| {name} | {microseconds:.1f} | {times['plain loop'] / microseconds:.1f} |")
        click.echo("")
    contenders = servers(bundle.resolve(), cores)
    for kind, these in inputs.items():
        found["http"][kind] = _http(kind, these, contenders, seconds, rounds)
    found["many"] = _many(texts[:1_000], contenders[0], rounds)
    click.echo(f"`texts` of 1,000 full reviews: {found['many']['reviews_per_second']:,.0f} reviews/s\n")
    found["file"] = _file(texts, contenders[0], rounds)
    click.echo(f"A file in one request: {found['file']['reviews_per_second']:,.0f} reviews/s\n")
    found["start"] = _start([each for each in contenders if each.name not in CONSTANTS], texts[:1_000])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(found, indent=1) + "\n")
    click.echo(f"Written to {output}")
    _draw(found, output)


def _draw(found: dict[str, Any], output: Path) -> None:
    for picture in speed_pictures(found):
        picture.write(output.parent)
        click.echo(f"Drawn: {output.parent / picture.name}.svg")


def _http(
    name: str, texts: Sequence[str], contenders: Sequence[Server], seconds: int, rounds: int
) -> dict[str, dict[str, dict[str, float]]]:
    results: dict[str, dict[str, list[Load]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        bodies = Path(folder) / "bodies"
        write_bodies(texts, bodies)
        for _ in range(rounds):  # the servers take turns, so that a slow minute of the machine is everybody's
            for server in contenders:
                with running(server) as (address, _, _):
                    load(address, bodies, 16, 1)
                    for number in CONNECTIONS:
                        seen = load(address, bodies, number, seconds)
                        results.setdefault(str(number), {}).setdefault(server.name, []).append(seen)
    table = {
        connections: {server: median(loads) for server, loads in by_server.items()}
        for connections, by_server in results.items()
    }
    click.echo(f"### HTTP, {name}, one a request\n")
    click.echo(
        "| connections | server | requests/s | p50 ms | p99 ms | errors | times the FastAPI constant: requests/s, p50 |"
    )
    click.echo("|---|---|---|---|---|---|---|")
    for connections, by_server in table.items():
        constant = by_server[FASTAPI]
        for server_name, row in by_server.items():
            rate, p50 = (row[key] / constant[key] for key in ("per_second", "p50_ms"))
            click.echo(
                f"| {connections} | {server_name} | {row['per_second']:,.0f} | {row['p50_ms']:.2f} "
                f"| {row['p99_ms']:.2f} | {row['errors']:.0f} | {rate:.2f}, {p50:.2f} |"
            )
    click.echo("")
    return table


def _many(texts: Sequence[str], server: Server, rounds: int) -> dict[str, float]:
    with running(server) as (address, _, _), httpx.Client(base_url=address, timeout=60) as client:
        body = json.dumps({"texts": texts})
        seconds = []
        for _ in range(rounds + 1):
            response = client.post("/predict", content=body, headers={"content-type": "application/json"})
            response.raise_for_status()
            seconds.append(response.elapsed.total_seconds())
    return {"reviews_per_second": len(texts) / statistics.median(seconds[1:])}


def _file(texts: Sequence[str], server: Server, rounds: int) -> dict[str, float]:
    lines = "".join(json.dumps(text) + "\n" for text in texts).encode()
    with running(server) as (address, _, _), httpx.Client(base_url=address, timeout=60) as client:
        seconds = []
        for _ in range(rounds + 1):
            response = client.post(
                "/predict/batch", content=lines * 5, headers={"content-type": "application/x-ndjson"}
            )
            response.raise_for_status()
            seconds.append(response.elapsed.total_seconds())
    return {"reviews_per_second": 5 * len(texts) / statistics.median(seconds[1:])}


def _start(contenders: Sequence[Server], texts: Sequence[str]) -> dict[str, dict[str, float]]:
    rows = {}
    click.echo("### Start and memory of the largest process\n")
    click.echo("| server | first answer after s | MB at rest | MB at most, after load |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        bodies = Path(folder) / "bodies"
        write_bodies(texts, bodies)
        for server in contenders:
            with running(server) as (address, first_answer, pid):
                at_rest, _ = memory_mb(pid)
                load(address, bodies, 64, 3)
                _, peak = memory_mb(pid)
            rows[server.name] = {"first_answer_seconds": first_answer, "mb_at_rest": at_rest, "mb_peak": peak}
            click.echo(f"| {server.name} | {first_answer:.2f} | {at_rest:.0f} | {peak:.0f} |")
    click.echo("")
    return rows


def _table(title: str, rates: dict[str, float], baseline: str) -> None:
    click.echo(f"### {title}\n\n| graph | reviews/s | ratio |\n|---|---|---|")
    for graph, rate in rates.items():
        click.echo(f"| {graph} | {rate:,.0f} | {rate / rates[baseline]:.2f} |")
    click.echo("")


if __name__ == "__main__":
    main()
