"""The command line: `python -m training` does a whole run; its commands look at what there is."""

import sys

import click

from service.errors import ServiceError
from training.cli.compare import compare
from training.cli.explore import explore
from training.cli.histograms import histograms
from training.cli.publish import publish
from training.cli.report import report
from training.cli.train import train as cli
from training.errors import TrainingError

for command in (explore, report, compare, publish, histograms):
    cli.add_command(command)


def main() -> None:
    """Run the command line; an expected error is one line and exit code 1."""
    try:
        cli(prog_name="python -m training")
    except (TrainingError, ServiceError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"", "service", "training"}:
            raise
        click.echo(f"error: {error.name} is not installed; it comes with pip install -e '.[training]'", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
