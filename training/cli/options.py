"""Define the options that several commands have."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from training.data.data_set import DataSet
from training.recipes import RECIPES, Recipe, data_sets

Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = click.Path(path_type=Path, file_okay=False)


def _recipe_named(_context: click.Context, _parameter: click.Parameter, name: str) -> Recipe:
    if name not in RECIPES:
        raise click.BadParameter(f"{name!r} is not one of {', '.join(map(repr, RECIPES))}.")
    return RECIPES[name]


def recipe_option(default: str) -> Callable[[Command], Command]:
    """Return the option `--recipe`, which gives the command a recipe."""
    about = f"One of {', '.join(RECIPES)} (training/recipes.py)."
    return click.option(
        "--recipe", metavar="NAME", default=default, show_default=True, help=about, callback=_recipe_named
    )


def data_dir_option() -> Callable[[Command], Command]:
    """Return the option `--data-dir`."""
    files = "; ".join(f"of {name}: {data_set.files}" for name, data_set in data_sets().items())
    variables = ", ".join(variable(data_set) for data_set in data_sets().values())
    return click.option("--data-dir", type=FOLDER, help=f"Folder of the data set ({files}).  [env vars: {variables}]")


def variable(data_set: DataSet) -> str:
    """Return the name of the environment variable that names a data set's folder."""
    return f"{data_set.name.upper()}_DATA_DIR"


def folder_of(data_set: DataSet, given: Path | None) -> Path | None:
    """Return the folder of a data set: the one given, or else that of its environment variable."""
    named = os.environ.get(variable(data_set))
    return given or (Path(named) if named else None)
