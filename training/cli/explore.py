"""The command `explore`."""

from pathlib import Path

import click

from training.cli.options import FOLDER, data_dir_option, folder_of
from training.recipes import LECTURE, RECIPES


@click.command()
@click.option("--data", metavar="NAME", default=LECTURE.data_set.name, show_default=True, help="The data set.")
@data_dir_option()
@click.option("--output", type=FOLDER, default=Path("runs/explore"), show_default=True)
def explore(data: str, data_dir: Path | None, output: Path) -> None:
    """Look at a data set: sizes, lengths, frequent words or characters, sample reviews."""
    from training.explore import explore as look

    recipe = next((recipe for recipe in RECIPES.values() if recipe.data_set.name == data), None)
    if recipe is None:
        names = dict.fromkeys(repr(recipe.data_set.name) for recipe in RECIPES.values())
        raise click.UsageError(f"--data: {data!r} is not one of {', '.join(names)}.")
    click.echo(look(recipe, folder_of(recipe.data_set, data_dir), output))
