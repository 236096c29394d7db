"""Measure the cost of watching the models: the service without drift and shadow, with either, and with both.

`python -m bench.watching`; needs wrk. All variants run, the load takes turns, and a ratio is one of neighbours in time.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click
import httpx

from bench.servers import Load, Server, load, running, write_bodies
from bench.texts import reviews, shortened

ANSWERING, SHADOW = "1", "3"
REST_SECONDS = 2
"""Time in which a shadow reads what the load before has left it."""


def models_folder(parent: Path, model: Path, drift: bool, shadow: bool) -> Path:
    """A models folder with two versions of a model, with or without reference histograms and a shadow."""
    name = f"{'drift' if drift else 'no-drift'}-{'shadow' if shadow else 'no-shadow'}"
    folder = parent / name / model.name
    for version in (ANSWERING, SHADOW):
        shutil.copytree(model / version, folder / version)
        path = folder / version / "manifest.json"
        if not drift:
            path.write_text(json.dumps({**json.loads(path.read_text()), "histograms": None}))
    rollout = {"serve": int(ANSWERING), **({"shadow": {"version": int(SHADOW), "share": 1.0}} if shadow else {})}
    (folder / "rollout.json").write_text(json.dumps(rollout))
    return folder.parent


VARIANTS = {"neither": (False, False), "drift": (True, False), "shadow": (False, True), "both": (True, True)}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("chosen", nargs=-1, type=click.Choice(list(VARIANTS)), metavar="[drift|shadow|both]...")
@click.option("--seconds", type=click.IntRange(1), default=4, show_default=True, help="Of load for each measurement.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Of which the median counts.")
@click.option("--connections", type=click.IntRange(1), default=64, show_default=True)
@click.option("--words", type=click.IntRange(1), help="Words of a text.  [default: full reviews]")
def main(chosen: tuple[str, ...], seconds: int, rounds: int, connections: int, words: int | None) -> None:
    """Measure version 1 of imdb-conv1d; version 3 is the shadow, of every text."""
    if not shutil.which("wrk"):
        click.echo("error: the load generator wrk is missing; on Debian: apt-get install wrk", err=True)
        sys.exit(1)
    texts, source = reviews(2_000)
    click.echo(f"{words or 'full'}-word texts ({source}), {connections} connections, a median of {rounds} rounds\n")
    variants = {name: VARIANTS[name] for name in dict.fromkeys(("neither", *(chosen or VARIANTS)))}
    loads: dict[str, list[Load]] = {name: [] for name in variants}
    read: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        bodies = Path(scratch, "bodies")
        write_bodies(shortened(texts, words) if words else texts, bodies)
        folders = {
            name: models_folder(Path(scratch), Path("models/imdb-conv1d"), *which) for name, which in variants.items()
        }
        with ExitStack() as stack:
            command = [sys.executable, "-m", "service", "serve", "--port", "PORT", "--request-log", "false"]
            addresses = {
                name: stack.enter_context(running(Server(name, [*command, "--models-dir", str(folder)])))[0]
                for name, folder in folders.items()
            }
            for address in addresses.values():
                load(address, bodies, connections, 1)
            for number in range(rounds):
                for name in list(variants)[:: -1 if number % 2 else 1]:
                    time.sleep(REST_SECONDS)
                    loads[name].append(load(addresses[name], bodies, connections, seconds))
            for name, address in addresses.items():
                shadow = httpx.get(f"{address}/models/imdb-conv1d/shadow").json()
                read[name] = f"{shadow['texts']:,} / {shadow['dropped']:,}" if shadow["share"] else "-"
    click.echo("| | requests/s | ratio | p50 ms | p99 ms | errors | read / dropped by the shadow |")
    click.echo("|---|---|---|---|---|---|---|")
    for name, found in loads.items():
        pairs = zip(found, loads["neither"], strict=True)
        ratio = statistics.median(mine.per_second / plain.per_second for mine, plain in pairs)
        per_second = statistics.median(each.per_second for each in found)
        p50, p99 = (statistics.median(getattr(each, key) for each in found) for key in ("p50_ms", "p99_ms"))
        errors = sum(each.errors for each in found)
        click.echo(f"| {name} | {per_second:,.0f} | {ratio:.3f} | {p50:.2f} | {p99:.2f} | {errors} | {read[name]} |")


if __name__ == "__main__":
    main()
