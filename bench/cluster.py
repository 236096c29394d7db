"""`python -m bench.cluster`: a corpus on Ray against `score`, in one run on one machine.

Rates leave the start of `score` and of the cluster out; it is reported apart. Processor time is that of `score` less
what it takes for a single review, and for Ray that of the workers while they score.
"""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import pyarrow
from pyarrow import parquet

from service.cluster.manifest import NAME

FILES = 16


@dataclass(frozen=True)
class Figures:
    """Times of one run.

    Attributes:
        seconds: from the first record to the last.
        start_seconds: all the rest.
        cpu_seconds: of the processors, while it scores.
    """

    seconds: float
    start_seconds: float
    cpu_seconds: float


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--reviews", type=click.Path(exists=True, path_type=Path), required=True, help="Parquet with a column text."
)
@click.option("--copies", type=click.IntRange(1), default=8, show_default=True, help="Of the reviews.")
@click.option("--workers", type=click.IntRange(1), multiple=True, default=(1, 2, 4), show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Of which the fastest counts.")
def main(reviews: Path, copies: int, workers: tuple[int, ...], rounds: int) -> None:
    """Compare the engines."""
    texts = parquet.read_table(reviews, columns=["text"])
    table = pyarrow.concat_tables([texts] * copies).combine_chunks()
    rows = table.num_rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        parquet.write_table(table, folder / "all.parquet")
        parquet.write_table(table.slice(0, 1), folder / "one.parquet")
        for number in range(FILES):
            start, end = (rows * edge // FILES for edge in (number, number + 1))
            parquet.write_table(table.slice(start, end - start), folder / "in" / f"{number:02}.parquet")
        click.echo(f"{rows:,} reviews, {len(os.sched_getaffinity(0))} cores\n")
        click.echo("| engine | rows/s | ratio | processor time a row | ratio | start |\n|---|---|---|---|---|---|")
        ways = [("score", None), *((f"ray, {number} workers", number) for number in workers)]
        found = {
            way: min((_measured(folder, number) for _ in range(rounds)), key=lambda figures: figures.seconds)
            for way, number in ways
        }
    usual = found["score"]
    for way, figures in found.items():
        click.echo(
            f"| {way} | {rows / figures.seconds:,.0f} | {usual.seconds / figures.seconds:.2f} "
            f"| {figures.cpu_seconds / rows * 1e6:.0f} µs | {figures.cpu_seconds / usual.cpu_seconds:.2f} "
            f"| {figures.start_seconds:.1f} s |"
        )


def _measured(folder: Path, workers: int | None) -> Figures:
    if workers is None:
        _, without, _ = _run(folder / "one.parquet", folder / "answers.parquet")
        seconds, cpu_seconds, said = _run(folder / "all.parquet", folder / "answers.parquet")
        [scoring] = re.findall(r"; ([\d.]+) s$", said, re.M)
        return Figures(float(scoring), seconds - float(scoring), cpu_seconds - without)
    flags = ["--engine", "ray", "--workers", str(workers), "--restart"]
    seconds, _, said = _run(folder / "in", folder / "out", *flags)
    [scoring] = re.findall(r"^([\d.]+) s, and", said, re.M)
    files = json.loads((folder / "out" / NAME).read_text())["files"].values()
    return Figures(float(scoring), seconds - float(scoring), sum(outcome["cpu_seconds"] for outcome in files))


def _run(source: Path, target: Path, *flags: str) -> tuple[float, float, str]:
    """Score; return the seconds of the clock, those of the processors, and what was said."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "service", "score", str(source), "--output", str(target), *flags]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, used, done.stderr


if __name__ == "__main__":
    main()
