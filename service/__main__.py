"""The command line, `python -m service`: `serve`, `predict`, `score`, `models`, `rollout`, `feedback`, `settings`."""

import dataclasses
import io
import signal
import sys
from pathlib import Path
from typing import Any

import click

from service import __version__
from service.cli.feedback_commands import feedback
from service.cli.flags import flag_per_setting, load_settings, settings_with_models
from service.cli.models import models
from service.cli.rollout_commands import rollout
from service.errors import ServiceError
from service.settings import Settings, env_file

_MODEL_SETTINGS = ("models_dir", "model", "model_version", "precision", "max_line_bytes", "max_text_chars")
_FILE_SETTINGS = (*_MODEL_SETTINGS, "max_columns")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Sentiment of film reviews: over HTTP, here in the terminal, or of a whole file."""


@cli.command()
@flag_per_setting(*Settings.model_fields)
def serve(**flags: Any) -> None:
    """Serve the models over HTTP until stopped.

    Each flag can also be given as the environment variable named in brackets; a flag takes precedence.
    """
    # While the service starts, being told to stop is no error. Once it serves, uvicorn has a handler of its own, which
    # finishes what is in work and then raises the signal again for this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if sys.platform == "win32":
        raise ServiceError("serve needs Linux or macOS: on Windows use WSL 2 or Docker. predict and score work here.")
    from service.server.start import run  # here, because it takes half a second to import and --help should not

    run(load_settings(flags))


@cli.command()
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
@click.option("--explain", is_flag=True, help="Also show what each word contributes.")
@click.option(
    "--json/--no-json",
    "as_json",
    default=None,
    help="Answers for programs, one JSON object a line, or for people; without it people, if this is a terminal.",
)
@flag_per_setting(*_MODEL_SETTINGS)
def predict(texts: tuple[str, ...], explain: bool, as_json: bool | None, **flags: Any) -> None:
    """Say whether texts are positive, without a server.

    Each TEXT is answered; without any, or for -, each line of standard input.

    \b
    Examples:
      python -m service predict "I loved every minute of it."
      python -m service predict --explain "A waste of two hours."
      python -m service predict < reviews.txt > answers.ndjson

    JSON has the members of POST /predict, with --explain those of POST /explain, after the text. Colours are left out
    where NO_COLOR is set.

    \b
    Exit codes:
      0    every text was answered
      1    an error stopped the run
      2    the command line is wrong
      3    finished, but some texts have an error in place of an answer
      130  interrupted (Ctrl-C, SIGTERM)
      141  the reader of the output has left, as head does
    """  # noqa: D301 (click looks for the character, not for the letters)
    from service.cli.predict import Request, answer_texts  # here, because it takes long to import and --help should not

    sys.exit(answer_texts(Request(texts, as_json, explain), settings_with_models(flags)))


@cli.command()
@click.argument("file")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="local scores a file here; ray a folder of files on a cluster.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["csv", "ndjson", "json", "text", "parquet"]),
    help="Format of FILE; by default its suffix tells it: .csv .tsv .ndjson .jsonl .json .txt .parquet.",
)
@click.option(
    "--output",
    metavar="PATH",
    help="File for the answers, compressed if it ends in .gz; without it, standard output. With ray: a folder.",
)
@click.option(
    "--column",
    default="text",
    show_default=True,
    help="Column of CSV or Parquet, or member of JSON objects, that holds the texts; without a header its number.",
)
@click.option("--delimiter", help="Delimiter of CSV: one character or the word tab. Default: a comma, for .tsv a tab.")
@click.option(
    "--quote",
    type=click.Choice(["double", "none"]),
    help="Whether double quotes can enclose fields of CSV. Default: double, for .tsv none.",
)
@click.option(
    "--header",
    type=click.Choice(["first", "none"]),
    default="first",
    show_default=True,
    help="Whether the first row of CSV has the names of the columns.",
)
@click.option(
    "--encoding",
    metavar="NAME",
    help="Encoding of FILE, such as cp949, euc-kr, cp1252 or utf-16. Default: its byte order mark, or utf-8.",
)
@click.option(
    "--fields",
    default="label,probability",
    show_default=True,
    help="Columns to add to CSV: some of label, probability, words, known_words, truncated.",
)
@click.option("--prefix", default="", help="Put before the added names, where a file has such a name itself.")
@click.option("--restart", is_flag=True, help="Start again, whatever an interrupted run has left.")
@click.option(
    "--address",
    envvar="RAY_ADDRESS",
    help="Cluster of Ray, such as ray://head:10001; without it, and without RAY_ADDRESS, one starts on this machine.",
)
@click.option(
    "--workers",
    metavar="MOST or LEAST:MOST",
    help="Files that the cluster scores at a time, and processors that its autoscaler shall have ready from the start. "
    "Default: every processor that there is.",
)
@flag_per_setting(*_FILE_SETTINGS)
@click.pass_context
def score(
    context: click.Context,
    /,
    file: str,
    engine: str,
    output: str | None,
    address: str | None,
    workers: str | None,
    **flags: Any,
) -> None:
    """Score a file, or a folder of files, without a server.

    FILE is - for standard input.

    The answers are those of POST /predict/batch: CSV with the columns label, probability and error at its end, in the
    encoding of FILE; NDJSON with the members of a prediction; arrays of JSON and lines of text answered in NDJSON.
    Input compressed with gzip is expanded. Parquet (it needs the extra 'parquet') comes back as Parquet.

    With --output the same command resumes an interrupted run: until all is done, the answers are in OUTPUT.part, and
    OUTPUT.part.json has the progress.

    With --engine ray FILE is a folder, a pattern or a file, here or in a store (s3://, gs://), and OUTPUT is a folder
    that gets a file of Parquet for each of its files. It needs the extra 'ray'; the same command resumes a run.

    \b
    Exit codes:
      0    every record was scored
      1    an error stopped the run
      2    the command line is wrong
      3    finished, but some records have an error, or some files cannot be read
      130  interrupted (Ctrl-C, SIGTERM)
      141  the reader of the output has left, as head does
    """  # noqa: D301 (click looks for the character, not for the letters)
    # here, for the same reason
    from service.cli.score import FileFlags, Request, score_file

    of_files = {field.name: flags.pop(field.name) for field in dataclasses.fields(FileFlags)}
    if engine == "local":
        _refuse(context, ("address", "workers"), "is of a cluster: add --engine ray.")
        path = _converted(context, "file", file, click.Path(exists=True, dir_okay=False, allow_dash=True))
        target = _converted(context, "output", output, click.Path(dir_okay=False)) if output else None
        sys.exit(score_file(Request(file=path, output=target, **of_files), settings_with_models(flags)))
    _refuse(context, ("fields",), "chooses columns of CSV; with --engine ray all of them are written.")
    if not output:
        raise click.UsageError("Name the folder for the outputs with --output.")
    from service.cli.score_corpus import CorpusRequest, score_corpus

    request = CorpusRequest(source=file, target=output, address=address, workers=workers, **of_files)
    sys.exit(score_corpus(request, settings_with_models(flags)))


def _converted(context: click.Context, name: str, value: str, kind: click.Path) -> Path:
    """Check a path of the command line.

    Raises:
        click.BadParameter: it is none that will do.
    """
    if Path(value).is_dir() and name == "file":
        raise click.UsageError(f"{value} is a folder: --engine ray scores all files of one.")
    parameter = next(each for each in context.command.params if each.name == name)
    return Path(str(kind.convert(value, parameter, context)))


def _refuse(context: click.Context, names: tuple[str, ...], why: str) -> None:
    """Refuse flags that would do nothing.

    Raises:
        click.UsageError: one of them was given.
    """
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} {why}")


cli.add_command(rollout)
cli.add_command(feedback)


@cli.command("settings")
def print_settings() -> None:
    """Print every setting and its default, as a file of variables."""
    click.echo(env_file(), nl=False)


cli.add_command(models)


def _write_utf8() -> None:
    """Write UTF-8 whatever the terminal's encoding: programs expect it of JSON, and no character is lost."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def main() -> None:
    """Run the command line; an expected error is one line and exit code 1."""
    _write_utf8()
    try:
        cli(prog_name="python -m service")
    except ServiceError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
