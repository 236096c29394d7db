"""The command line: `python -m service` with `serve`, `predict` or `score`."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from service import __version__
from service.errors import ServiceError
from service.settings import ENV_PREFIX, Settings, env_file


def _flag_per_setting(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def add_flags(command: Callable[..., None]) -> Callable[..., None]:
        for name in reversed(names):
            field = Settings.model_fields[name]
            default = f"default {field.default}" if field.default is not None else "no default"
            command = click.option(
                f"--{name.replace('_', '-')}",
                name,
                metavar="VALUE",
                help=f"{field.description} [{ENV_PREFIX}{name.upper()}; {default}]",
            )(command)
        return command

    return add_flags


def _settings(flags: dict[str, Any]) -> Settings:
    return Settings.load(**{name: value for name, value in flags.items() if value is not None})


_MODEL_SETTINGS = ("models_dir", "model", "model_version", "precision", "max_line_bytes", "max_text_chars")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Sentiment of film reviews: over HTTP, here in the terminal, or of a whole file."""


@cli.command()
@_flag_per_setting(*Settings.model_fields)
def serve(**flags: Any) -> None:
    """Serve the models over HTTP until stopped.

    Each flag can be given as an environment variable too, named in brackets; the flag counts first.
    """
    from service.server.processes import run  # here, because it takes half a second to import and --help should not

    run(_settings(flags))


@cli.command()
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
@click.option("--explain", is_flag=True, help="Also show what each word contributes.")
@click.option(
    "--json/--no-json",
    "as_json",
    default=None,
    help="Answers for programs, one JSON object a line, or for people; without it people, if this is a terminal.",
)
@_flag_per_setting(*_MODEL_SETTINGS)
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
      130  interrupted
    """  # noqa: D301 (click looks for the character, not for the letters)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # to be stopped is an error here, for the output is not whole
    from service.terminal import Wanted, answer_texts  # here, because it takes long to import and --help should not

    sys.exit(answer_texts(Wanted(texts, as_json, explain), _settings(flags)))


@cli.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["csv", "ndjson", "text", "parquet"]),
    help="What FILE holds; without it, its suffix says: .csv .tsv .ndjson .jsonl .txt .parquet.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the answers, compressed if it ends in .gz; without it, standard output.",
)
@click.option("--column", default="text", show_default=True, help="Column of CSV or Parquet that holds the texts.")
@click.option(
    "--delimiter", help="Of CSV: one character or the word tab; a comma, for .tsv a tab, goes without saying."
)
@click.option(
    "--prefix", default="", help="Put before the names of what is added, where a file has such a name itself."
)
@click.option("--restart", is_flag=True, help="Begin anew, whatever an interrupted run has left.")
@_flag_per_setting(*_MODEL_SETTINGS)
def score(
    file: Path,
    format_name: str | None,
    output: Path | None,
    column: str,
    delimiter: str | None,
    prefix: str,
    restart: bool,
    **flags: Any,
) -> None:
    """Score a file of any size, without a server.

    FILE is - for standard input.

    The answers are those of POST /predict/batch: CSV with the columns label, probability and error at its end; NDJSON
    with the members of a prediction; lines of text answered in NDJSON. What is compressed with gzip is read as well.
    Parquet (it needs the extra 'parquet') comes back as Parquet.

    With --output an interrupted run is taken up by the same command: until all is done, the answers are in
    OUTPUT.part, and OUTPUT.part.json says how far it is.

    \b
    Exit codes:
      0    every record was scored
      1    an error stopped the run
      2    the command line is wrong
      3    finished, but some records have an error in place of a score
      130  interrupted (Ctrl-C, SIGTERM, or the reader of a pipe has left)
    """  # noqa: D301 (click looks for the character, not for the letters)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # to be stopped is an error here, for the output is not whole
    from service.files.command import Request, score_file  # here, for the same reason

    sys.exit(score_file(Request(file, format_name, output, column, delimiter, prefix, restart), _settings(flags)))


@cli.command("settings")
def print_settings() -> None:
    """Print every setting and its default, as a file of variables."""
    click.echo(env_file(), nl=False)


def main() -> None:
    """Runs the command line; an expected error is one line and exit code 1."""
    # From the first moment on, being told to stop is no error. uvicorn has a handler of its own while it serves, which
    # finishes what is in work and then raises the signal again for this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        cli(prog_name="python -m service")
    except ServiceError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
