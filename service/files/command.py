"""`python -m service score`: from a file or standard input to a file or standard output."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from service.choice import Choice
from service.files import DELIMITERS
from service.files.part import Part, ScoreError
from service.files.record import Options, Position
from service.files.score import SUFFIXES, RecordSource, Source, TableSource, open_table, run
from service.inference.languages import AUTO
from service.inference.predictor import Predictor
from service.registry import load_choice
from service.settings import Settings

SCORED, WITH_ERRORS, INTERRUPTED = 0, 3, 130
"""Exit codes; 1 is an error that stopped the run, 2 a wrong command line."""


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    file: Path
    format_name: str | None
    output: Path | None
    column: str
    delimiter: str | None
    prefix: str
    restart: bool


class _StandardOutput:
    """Cannot be taken up again."""

    def write(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def checkpoint(self, position: Position, state: dict[str, Any]) -> None:
        pass


def score_file(request: Request, settings: Settings) -> int:
    """Scores what is asked for; the exit code.

    Raises:
        ServiceError: it cannot be done.
        click.UsageError: the command line does not say how.
    """
    name, options = _format(request, settings)
    part: Part | None = None
    on_terminate = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        choice = load_choice(settings)
        if request.output:
            part = _part(request, request.output, name, options, choice)
        start, state = (part.position, part.state) if part else (Position(), {})
        began = time.monotonic()
        with _source(request.file, name, options, start, state) as source, _progress(source) as progress:
            run(source, part or _StandardOutput(), choice, start == Position(), progress)
        seconds = time.monotonic() - began
        if part:
            _finish(part, name)
    except KeyboardInterrupt:
        click.echo("interrupted" + ("; the same command goes on from here" if part and part.kept else ""), err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Who read the output has left. What is still buffered goes nowhere, or Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except OSError as error:
        raise ScoreError(f"{error.filename or request.output or 'standard output'}: {error.strerror}.") from error
    finally:
        signal.signal(signal.SIGTERM, on_terminate)
        if part:
            part.close()
    summary = source.summary
    counts = f"{summary.scored:,} scored, {summary.errors:,} errors"
    click.echo(f"{summary.scored + summary.errors:,} records: {counts}; {seconds:.1f} s", err=True)
    return WITH_ERRORS if summary.errors else SCORED


def _format(request: Request, settings: Settings) -> tuple[str, Options]:
    """The name of the file's format, and how to read it."""
    suffix = request.file.with_suffix("").suffix if request.file.suffix == ".gz" else request.file.suffix
    name = request.format_name or SUFFIXES.get(suffix.lower())
    if name is None:
        raise click.UsageError(f"What {request.file} holds cannot be told from its name; say it with --format.")
    if name == "parquet" and (not request.output or request.file == Path("-")):
        raise click.UsageError("Parquet is read from a file and written to one: name it with --output.")
    if request.output and request.output.exists() and request.file.exists() and request.output.samefile(request.file):
        raise click.UsageError("The output would take the place of the input.")
    delimiter = request.delimiter or ("\t" if suffix == ".tsv" else ",")
    return name, Options(
        column=request.column,
        delimiter=DELIMITERS.get(delimiter, delimiter),
        prefix=request.prefix,
        max_line_bytes=settings.max_line_bytes,
        max_text_chars=settings.max_text_chars,
        names_model=settings.model == AUTO,
    )


def _part(request: Request, output: Path, name: str, options: Options, choice: Choice) -> Part:
    job: dict[str, Any] = {"format": name, **asdict(options)}
    resumable = request.file != Path("-")
    if resumable:
        status = request.file.stat()
        job["input"] = f"{request.file.resolve()}, {status.st_size} bytes, modified at {status.st_mtime_ns}"
    job["model"] = "; ".join(map(_described, dict.fromkeys((choice.default, *choice.by_language.values()))))
    return Part(output, job, resumable, request.restart)


def _described(predictor: Predictor) -> str:
    manifest = predictor.manifest
    graph = manifest.graphs[predictor.precision].file
    return f"{manifest.name} {manifest.version}, {predictor.precision}, sha256 {manifest.files[graph]}"


@contextlib.contextmanager
def _source(file: Path, name: str, options: Options, start: Position, state: dict[str, Any]) -> Iterator[Source]:
    if name == "parquet":
        yield TableSource(open_table(file, options), start, state)
    elif file == Path("-"):
        yield RecordSource(name, sys.stdin.buffer, 0, options, start, state)
    else:
        with file.open("rb") as stream:
            yield RecordSource(name, stream, file.stat().st_size, options, start, state)


@contextlib.contextmanager
def _progress(source: Source) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, if that is a terminal and the length is known."""
    if not source.length or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=source.length, file=sys.stderr, show_pos=False) as bar:
        yield lambda read: bar.update(read - bar.pos)


def _finish(part: Part, name: str) -> None:
    if name != "parquet":
        part.finish()
        return
    from service.files.parquet import write_parquet  # noqa: PLC0415 (an extra)

    made = part.path.with_name(part.path.name + ".new")
    write_parquet(part.path, made)
    part.finish(made)
