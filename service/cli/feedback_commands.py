"""The commands of `python -m service feedback`; `cli.feedback` does what they say."""

from pathlib import Path
from typing import Any

import click

from service.cli.flags import flag_per_setting, load_settings


@click.group()
def feedback() -> None:
    """Show or export the true labels sent to a service."""


@feedback.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@flag_per_setting("feedback_file")
def summary(as_json: bool, **flags: Any) -> None:
    """Show the accuracy, the errors and the calibration error of each version."""
    from service.cli.feedback import summary as described

    click.echo(described(load_settings(flags), as_json))


@feedback.command()
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that ends in .csv, .ndjson or .jsonl; without it NDJSON on standard output.",
)
@click.option("--model", help="Name of the only model wanted.")
@flag_per_setting("feedback_file")
def export(output: Path | None, model: str | None, **flags: Any) -> None:
    """Write the texts with their true labels, and the answers that they got.

    Texts are kept only with SENTIMENT_FEEDBACK_TEXTS=true; they are personal data. Labels without a text are left out
    and counted. `python -m training compare` reads the file.
    """
    from service.cli.feedback import SUFFIXES
    from service.cli.feedback import export as write

    if output and output.suffix not in SUFFIXES:
        raise click.UsageError(f"{output} should end in {', '.join(SUFFIXES)}.")
    written, left_out = write(load_settings(flags), output, model)
    note = f"; {left_out:,} without a text are left out" if left_out else ""
    click.echo(f"{written:,} labels are written{note}.", err=True)
