"""`python -m service score --engine ray`: from a folder of files to a folder of Parquet, on a cluster."""

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click

from service.cli.interruption import exit_when_stopped
from service.cli.score import SCORED, WITH_ERRORS, FileFlags, options_of
from service.cluster.corpus import Corpus, InputFile, find_files
from service.cluster.manifest import Manifest
from service.cluster.ray_engine import Workers, cluster, outcomes, processors
from service.cluster.scored_file import Job, Outcome
from service.cluster.storage import Storage
from service.cluster.tables import Reading
from service.files.answering import Summary
from service.files.formats import FileType
from service.files.record import Options, counted
from service.models.packed import PackedModels
from service.settings import Settings

_LOG_SECONDS = 30.0
_BROKEN_SHOWN = 20
_ENOUGH = 1_000
"""Records from which their processor time says something about others."""


@dataclass(frozen=True, kw_only=True)
class CorpusRequest(FileFlags):
    """The arguments and flags of the command line for a corpus.

    Attributes:
        source: path, pattern or address of the files.
        target: path or address of the folder for the outputs.
        address: of the cluster.
        workers: `MOST` or `LEAST:MOST`.
    """

    source: str
    target: str
    address: str | None
    workers: str | None


def score_corpus(request: CorpusRequest, settings: Settings) -> int:
    """Score the files of a corpus that are not done.

    Returns:
        The exit code.

    Raises:
        ServiceError: it cannot be done.
        click.UsageError: the command line does not say how.
    """
    workers = _workers(request.workers)
    source, target = Storage(request.source), Storage(request.target)
    if type(source.files) is type(target.files) and f"{target.root}/".startswith(f"{source.root}/"):
        raise click.UsageError("The outputs would lie among the inputs; name a folder elsewhere with --output.")
    with exit_when_stopped():
        corpus = find_files(source, request.format_name)
        models = PackedModels.pack(settings)
        job = Job(source.url, target.url, _reading(request, settings), request.prefix, models.identity)
        manifest = Manifest(job, request.restart)
        pending = manifest.pending(corpus.files)
        begun = started = time.monotonic()
        manifest.write()
        try:
            if pending:
                with cluster(request.address, workers), _progress(corpus, pending) as progress:
                    started = time.monotonic()
                    for outcome in outcomes(job, pending, models, workers):
                        if outcome:
                            manifest.add(outcome)
                        progress(len(manifest.outcomes), outcome)
        except KeyboardInterrupt:
            click.echo("interrupted; the same command goes on", err=True)
            raise
        finally:
            manifest.write()
        target.remove_parts()
    _report(corpus, manifest, len(pending), job.reading.options)
    click.echo(f"{time.monotonic() - started:.1f} s, and {started - begun:.1f} s to start the cluster", err=True)
    return WITH_ERRORS if any(o.error or o.counts.errors for o in manifest.outcomes.values()) else SCORED


def _workers(written: str | None) -> Workers:
    if written is None:
        return Workers()
    found = re.fullmatch(r"(?:([1-9]\d{0,5}):)?([1-9]\d{0,5})", written)
    if not found or int(found[1] or 0) > int(found[2]):
        raise click.UsageError(f"--workers is {written!r}; it should be a number such as 8, or bounds such as 4:64.")
    return Workers(int(found[1] or 0), int(found[2]))


def _reading(request: CorpusRequest, settings: Settings) -> Reading:
    options = options_of(request, FileType("text"), settings)
    quote = None if request.quote is None else request.quote == "double"
    return Reading(options, request.format_name, request.delimiter, quote, request.encoding)


@contextmanager
def _progress(corpus: Corpus, pending: list[InputFile]) -> Iterator[Callable[[int, Outcome | None], None]]:
    """Show a bar on standard error if that is a terminal, else a line now and then."""
    sizes = {file.name: file.size for file in pending}
    said = time.monotonic()

    def log(done: int, _: Outcome | None) -> None:
        nonlocal said
        if time.monotonic() >= said + _LOG_SECONDS:
            said = time.monotonic()
            files = counted(len(corpus.files), "file")
            click.echo(f"{done:,} of {files} done; the cluster has {counted(processors(), 'processor')}", err=True)

    if not sys.stderr.isatty():
        yield log
        return
    with click.progressbar(length=max(1, corpus.size), file=sys.stderr) as bar:
        bar.update(corpus.size - sum(sizes.values()))
        yield lambda _, outcome: bar.update(sizes[outcome.name] if outcome else 0)


def _report(corpus: Corpus, manifest: Manifest, pending: int, options: Options) -> None:
    outcomes = manifest.outcomes.values()
    broken = [outcome for outcome in outcomes if outcome.error]
    total = Summary()
    for outcome in outcomes:
        total.add(outcome.counts)
    before = len(corpus.files) - pending
    files = counted(len(outcomes) - len(broken), "file") + f" ({before:,} of them done before)" * bool(before)
    errors = counted(total.errors, "error")
    records = counted(total.scored + total.errors, "record")
    click.echo(f"{records} of {files}: {total.scored:,} scored, {errors}", err=True)
    measured = [outcome for outcome in outcomes if outcome.cpu_seconds]
    number = sum(outcome.counts.scored + outcome.counts.errors for outcome in measured)
    if number >= _ENOUGH:
        hours = sum(outcome.cpu_seconds for outcome in measured) / 3_600 / number * 1e6
        click.echo(f"{hours:.3f} hours of a processor for a million records", err=True)
    for note in (*corpus.notes(), *total.notes(options)):
        click.echo(f"note: {note}", err=True)
    show_broken(broken)


def show_broken(broken: Sequence[Outcome]) -> None:
    """Name the files that could not be scored, the first of them if there are many."""
    for outcome in broken[:_BROKEN_SHOWN]:
        click.echo(f"error: {outcome.name}: {outcome.error}", err=True)
    if len(broken) > _BROKEN_SHOWN:
        click.echo(f"error: {counted(len(broken) - _BROKEN_SHOWN, 'more file')}, named in the manifest", err=True)
