"""`python -m service score`: from a file or standard input to a file or standard output."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from service.checkpoint import Part
from service.cli.interruption import exit_when_stopped
from service.files.encoding import encoding_named
from service.files.formats import DELIMITERS, SUFFIXES, FileType, suffix_of
from service.files.record import Options, Position, counted
from service.files.score import run
from service.files.sources import RecordSource, ScoreError, Source, TableSource, open_table
from service.inference.languages import AUTO
from service.models.loading import load_choice
from service.models.model_choice import Choice
from service.settings import Settings

SCORED, WITH_ERRORS = 0, 3
"""Exit codes; 1 is an error that stopped the run, 2 a wrong command line, and `interruption` has two more."""

_ANSWER_SUFFIXES = {"csv": (".csv", ".tsv"), "parquet": (".parquet",)}
_LINES_SUFFIXES = (".ndjson", ".jsonl", ".txt")  # of the other formats, which are answered in NDJSON
_FOREIGN_SUFFIXES = (".json", ".xlsx", ".xls")


@dataclass(frozen=True, kw_only=True)
class FileFlags:
    """The flags of the command line that say how files are read and answered."""

    format_name: str | None
    column: str
    delimiter: str | None
    quote: str | None
    header: str
    encoding: str | None
    fields: str
    prefix: str
    restart: bool


@dataclass(frozen=True, kw_only=True)
class Request(FileFlags):
    """The arguments and flags of the command line for a file."""

    file: Path
    output: Path | None


class _StandardOutput:
    """Standard output, which cannot be resumed."""

    def write(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def checkpoint(self, position: Position, state: dict[str, Any]) -> None:
        pass


def score_file(request: Request, settings: Settings) -> int:
    """Score a file.

    Returns:
        The exit code.

    Raises:
        ServiceError: it cannot be done.
        click.UsageError: the command line does not say how.
    """
    file_type = _file_type(request)
    name, options = file_type.format, options_of(request, file_type, settings)
    encoding = encoding_named(request.encoding) if request.encoding else None
    output: Part | None = None
    with exit_when_stopped():
        try:
            choice = load_choice(settings)
            if request.output:
                output = _part(request, request.output, name, options, choice)
            start, state = (Position(*output.position), output.state) if output else (Position(), {})
            began = time.monotonic()
            with (
                _source(request.file, name, options, encoding, start, state) as source,
                _progress(source) as progress,
            ):
                run(source, output or _StandardOutput(), choice, start == Position(), progress)
            seconds = time.monotonic() - began
            if output:
                _finish(output, name)
        except KeyboardInterrupt:
            advice = "; the same command resumes it" if output and output.kept else ""
            click.echo(f"interrupted{advice}", err=True)
            raise
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ScoreError(f"{error.filename or request.output or 'standard output'}: {error.strerror}.") from error
        finally:
            if output:
                output.close()
    _report(source, seconds)
    return WITH_ERRORS if source.summary.errors else SCORED


def _file_type(request: Request) -> FileType:
    """Return the format of the file, and its defaults.

    Raises:
        click.UsageError: it is not known, or the output cannot have it.
    """
    by_suffix = SUFFIXES.get(suffix_of(request.file.name))
    file_type = by_suffix
    if request.format_name and (by_suffix is None or by_suffix.format != request.format_name):
        file_type = FileType(request.format_name)
    if file_type is None:
        if str(request.file).lower().endswith((".xlsx", ".xlsm", ".xls", ".ods")):
            raise click.UsageError(f"{request.file} is a workbook. Save its sheet as CSV (in Excel: CSV UTF-8).")
        raise click.UsageError(f"The name of {request.file} does not tell what it holds; say it with --format.")
    output = request.output
    if file_type.format == "parquet" and (not output or request.file == Path("-")):
        raise click.UsageError("Parquet is read from a file and written to one: name it with --output.")
    if not output:
        return file_type
    if output.exists() and request.file.exists() and output.samefile(request.file):
        raise click.UsageError("The output would take the place of the input.")
    own = _ANSWER_SUFFIXES.get(file_type.format, _LINES_SUFFIXES)
    suffix = suffix_of(output.name)
    if suffix not in own and suffix in (*SUFFIXES, *_FOREIGN_SUFFIXES):
        kind = {"csv": "CSV", "parquet": "Parquet"}.get(file_type.format, "NDJSON")
        raise click.UsageError(f"The answers are {kind}, which {output} does not say; name it {output.stem}{own[0]}.")
    return file_type


def options_of(request: FileFlags, file_type: FileType, settings: Settings) -> Options:
    """Return the options of a file of this type."""
    delimiter = request.delimiter or file_type.delimiter
    return Options(
        column=request.column,
        delimiter=DELIMITERS.get(delimiter, delimiter),
        quote=file_type.quote if request.quote is None else request.quote == "double",
        header=request.header != "none",
        fields=tuple(field.strip() for field in request.fields.split(",")),
        prefix=request.prefix,
        max_line_bytes=settings.max_line_bytes,
        max_text_chars=settings.max_text_chars,
        max_columns=settings.max_columns,
        names_model=settings.model == AUTO,
        flags=True,
    )


def _part(request: Request, output: Path, name: str, options: Options, choice: Choice) -> Part:
    job: dict[str, Any] = {"format": name, "encoding": request.encoding, **asdict(options)}
    resumable = request.file != Path("-")
    if resumable:
        status = request.file.stat()
        job["input"] = f"{request.file.resolve()}, {status.st_size} bytes, modified at {status.st_mtime_ns}"
    job["model"] = choice.identity
    return Part(output, job, resumable, request.restart)


@contextlib.contextmanager
def _source(
    file: Path, name: str, options: Options, encoding: str | None, start: Position, state: dict[str, Any]
) -> Iterator[Source]:
    if name == "parquet":
        yield TableSource(open_table(file, options), options, start, state)
    elif file == Path("-"):
        yield RecordSource(name, sys.stdin.buffer, 0, options, encoding, start, state)
    else:
        with file.open("rb") as stream:
            yield RecordSource(name, stream, file.stat().st_size, options, encoding, start, state)


@contextlib.contextmanager
def _progress(source: Source) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error, if that is a terminal and the length is known."""
    if not source.length or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=source.length, file=sys.stderr, show_pos=False) as bar:
        yield lambda read: bar.update(read - bar.pos)


def _finish(output: Part, name: str) -> None:
    if name != "parquet":
        output.finish()
        return
    from service.files.parquet import write_parquet  # noqa: PLC0415 (an extra)

    made = output.path.with_name(output.path.name + ".new")
    write_parquet(output.path, made)
    output.finish(made)


def _report(source: Source, seconds: float) -> None:
    summary = source.summary
    records = counted(summary.scored + summary.errors, "record")
    errors = counted(summary.errors, "error")
    click.echo(f"{records}: {summary.scored:,} scored, {errors}; {seconds:.1f} s", err=True)
    for note in source.notes():
        click.echo(f"note: {note}", err=True)
