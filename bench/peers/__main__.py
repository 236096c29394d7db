"""`python -m bench.peers`: this service, the usual way and the constants beside other servers of models, in one run."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import httpx

from bench.constants import CONSTANTS
from bench.peers.answers import TOLERANCE, check_answers, expected_answers, service_tolerance
from bench.peers.contenders import PEERS, Peer
from bench.peers.errors import PeerError
from bench.peers.installation import install
from bench.peers.supervision import last_line, supervised
from bench.peers.table import SERVICE, tables
from bench.servers import (
    Load,
    Server,
    descendants,
    load,
    median,
    processor,
    running,
    servers,
    total_memory_mb,
    write_bodies,
)
from bench.texts import reviews, shortened
from service.inference.bundle import open_bundle

CONNECTIONS = (1, 64)
SHORT_WORDS = 20
CHECKED = 64
"""Texts whose answers are checked."""
START_SECONDS = 180
"""Time that a server has for its first answer: Ray starts several processes before."""
Loads = dict[tuple[str, int], list[Load]]


@dataclass
class Measured:
    """Hold the measurements of a server: its loads by kind of text and connections, its start and its memory."""

    loads: Loads = field(default_factory=dict)
    first_answer_seconds: list[float] = field(default_factory=list)
    mb_at_rest: list[float] = field(default_factory=list)
    mb_after_load: list[float] = field(default_factory=list)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--bundle", type=click.Path(path_type=Path), default=Path("models/imdb-conv1d/3"), show_default=True)
@click.option(
    "--peers", type=click.Choice(list(PEERS)), multiple=True, default=list(PEERS), show_default=True, help="Repeatable."
)
@click.option("--seconds", type=click.IntRange(1), default=4, show_default=True, help="Of load for each measurement.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Of which the median counts.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path("~/.cache/sentiment-peers"),
    show_default=True,
    help="Folder of the peers' environments: 1.3 GB for all.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("runs/peers.json"),
    show_default=True,
    help="JSON; the tables go beside it as Markdown.",
)
def main(bundle: Path, peers: tuple[str, ...], seconds: int, rounds: int, cache: Path, output: Path) -> None:
    """Measure this service against other servers of models, each in an environment of its own that the first run makes.

    Exits with 1 if a server could not be installed or started, or gave other answers than the bundle.
    """
    if not shutil.which("wrk"):
        click.echo("error: the load generator wrk is missing; on Debian: apt-get install wrk", err=True)
        sys.exit(1)
    began = time.monotonic()
    bundle, cache = bundle.resolve(), cache.expanduser().resolve()
    texts, source = reviews(2_000)
    inputs = {"full reviews": texts, f"{SHORT_WORDS}-word texts": shortened(texts, SHORT_WORDS)}
    cores = len(os.sched_getaffinity(0))
    machine = f"{cores} cores of {processor()}, shared with the load generator; {source}"
    manifest = open_bundle(bundle).manifest
    click.echo(f"{machine}\n")
    failed: dict[str, str] = {}
    contenders = [*servers(bundle, cores), *_installed([PEERS[name] for name in peers], cache, bundle, failed)]
    measured = _measure(contenders, bundle, inputs, seconds, rounds, failed)
    found: dict[str, Any] = {"machine": machine, "model": f"{manifest.name}/{manifest.version}"}
    found |= _figures(measured, inputs) | {"failed": failed, "minutes": (time.monotonic() - began) / 60}
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(found, indent=1) + "\n")
    output.with_suffix(".md").write_text(tables(found))
    click.echo(tables(found))
    click.echo(f"{found['minutes']:.1f} minutes; written to {output} and {output.with_suffix('.md')}")
    sys.exit(1 if failed else 0)


def _installed(peers: Sequence[Peer], cache: Path, bundle: Path, failed: dict[str, str]) -> list[Server]:
    found = []
    for peer in peers:
        click.echo(f"{peer.title}: environment in {cache / peer.name}", err=True)
        try:
            found.append(peer.server(install(peer.requirements, cache / peer.name), bundle))
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            failed[peer.title] = _reason(error)
    return found


def _measure(
    contenders: Sequence[Server],
    bundle: Path,
    inputs: dict[str, list[str]],
    seconds: int,
    rounds: int,
    failed: dict[str, str],
) -> dict[str, Measured]:
    """Measure the servers in turn, so that a slow minute of the machine is everybody's; one that fails is left out."""
    expected = expected_answers(open_bundle(bundle), next(iter(inputs.values()))[:CHECKED])
    tolerances = {SERVICE: service_tolerance(open_bundle(bundle))}
    measured: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory() as folder:
        bodies = {kind: Path(folder, f"{number}.bodies") for number, kind in enumerate(inputs)}
        for kind, path in bodies.items():
            write_bodies(inputs[kind], path)
        log = Path(folder, "log")
        for number in range(rounds):
            for server in contenders:
                if server.name in failed:
                    continue
                click.echo(f"round {number + 1} of {rounds}: {server.name}", err=True)
                log.unlink(missing_ok=True)
                try:
                    with running(supervised(server, log), START_SECONDS) as (address, first_answer, pid):
                        if server.name not in CONSTANTS:
                            check_answers(address, expected, tolerances.get(server.name, TOLERANCE))
                        seen = measured.setdefault(server.name, Measured())
                        seen.first_answer_seconds.append(first_answer)
                        seen.mb_at_rest.append(total_memory_mb(descendants(pid)))
                        _load(address, bodies, seconds, seen.loads)
                        seen.mb_after_load.append(total_memory_mb(descendants(pid)))
                except (RuntimeError, OSError, subprocess.SubprocessError, httpx.HTTPError) as error:
                    failed[server.name] = _reason(error, log)
                    measured.pop(server.name, None)
    return measured


def _load(address: str, bodies: dict[str, Path], seconds: int, loads: Loads) -> None:
    for kind, path in bodies.items():
        load(address, path, 16, 1)
        for connections in CONNECTIONS:
            loads.setdefault((kind, connections), []).append(load(address, path, connections, seconds))


def _figures(measured: dict[str, Measured], kinds: Iterable[str]) -> dict[str, Any]:
    http = {
        kind: {
            str(connections): {name: median(seen.loads[kind, connections]) for name, seen in measured.items()}
            for connections in CONNECTIONS
        }
        for kind in kinds
    }
    keys = ("first_answer_seconds", "mb_at_rest", "mb_after_load")
    start = {name: {key: statistics.median(getattr(seen, key)) for key in keys} for name, seen in measured.items()}
    return {"http": http, "start": start}


def _reason(error: Exception, log: Path | None = None) -> str:
    if isinstance(error, PeerError) or log is None:
        return str(error)
    return f"{type(error).__name__} in start or load; the server's last line: {last_line(log)}"


if __name__ == "__main__":
    main()
