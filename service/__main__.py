"""The command line: `python -m service serve`."""

import signal
import sys
from collections.abc import Callable
from typing import Any

import click

from service import __version__
from service.errors import ServiceError
from service.settings import ENV_PREFIX, Settings, env_file


def _flag_per_setting(command: Callable[..., None]) -> Callable[..., None]:
    for name, field in reversed(Settings.model_fields.items()):
        default = f"default {field.default}" if field.default is not None else "no default"
        command = click.option(
            f"--{name.replace('_', '-')}",
            name,
            metavar="VALUE",
            help=f"{field.description} [{ENV_PREFIX}{name.upper()}; {default}]",
        )(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Sentiment of short texts, over HTTP."""


@cli.command()
@_flag_per_setting
def serve(**flags: Any) -> None:
    """Serve the models over HTTP until stopped.

    Each flag can be given as an environment variable too, named in brackets; the flag counts first.
    """
    from service.server import run  # here, because it takes half a second to import and --help should not

    run(Settings.load(**{name: value for name, value in flags.items() if value is not None}))


@cli.command()
def settings() -> None:
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
