"""The command `publish`."""

from pathlib import Path

import click

from training.cli.options import FOLDER


@click.command()
@click.argument("source", metavar="RUN", type=FOLDER)
@click.option("--name", help="Name of the model.  [default: as it is]")
@click.option("--version", type=click.IntRange(1), help="Its version.  [default: the next free one]")
@click.option("--models-dir", type=FOLDER, default=Path("models"), show_default=True, help="Folder to publish into.")
def publish(source: Path, name: str | None, version: int | None, models_dir: Path) -> None:
    """Copy the bundle of a run into a folder of models, under another name or version if you like.

    RUN is the folder of a run, such as runs/lecture, or that of a bundle, such as models/my-model/1.

    \b
    Examples:
      python -m training publish runs/lecture --version 4
      python -m training publish models/my-model/1 --name reviews --version 1
    """  # noqa: D301 (click looks for the character, not for the letters)
    from training.publish import publish as copy

    click.echo(f"Published as {copy(source, models_dir, name, version)}")
