"""The command line: `python -m training` does a whole run, `python -m training explore` looks at the data."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from service.errors import ServiceError
from training.errors import TrainingError
from training.recipes import LECTURE, RECIPES, free_version

_FOLDER = click.Path(path_type=Path, file_okay=False)
_data_dir = click.option(
    "--data-dir",
    type=_FOLDER,
    envvar="IMDB_DATA_DIR",
    show_envvar=True,
    help="Folder with imdb.npz and imdb_word_index.json; without it Keras downloads them.",
)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--recipe", type=click.Choice(list(RECIPES)), default=LECTURE.name, show_default=True)
@_data_dir
@click.option("--run-dir", type=_FOLDER, help="Folder of the run.  [default: runs/<recipe>]")
@click.option("--models-dir", type=_FOLDER, help="Where the bundle goes.  [default: <run-dir>/models]")
@click.option(
    "--new-version",
    is_flag=True,
    help="Make the first version that --models-dir does not have, in a run folder of its own: runs/<recipe>-<version>.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --run-dir from its last whole epoch.")
@click.option("--epochs", type=click.IntRange(1), help="Instead of the recipe's number.")
@click.option("--seed", type=click.IntRange(0), help="Instead of the recipe's.")
@click.option("--max-reviews", type=click.IntRange(2), help="Use only the first so many of each split.")
@click.pass_context
def cli(
    context: click.Context,
    /,
    recipe: str,
    data_dir: Path | None,
    run_dir: Path | None,
    models_dir: Path | None,
    new_version: bool,
    resume: bool,
    **changes: Any,
) -> None:
    """Fit the network of a recipe and export it as a bundle: data, model, fit, evaluate, export."""
    if context.invoked_subcommand:
        return
    from training.run import train  # TensorFlow takes seconds to import; --help should not

    chosen = replace(RECIPES[recipe], **{name: value for name, value in changes.items() if value is not None})
    run_name = recipe
    if new_version:
        if models_dir is None:
            raise click.UsageError("--new-version needs --models-dir.")
        chosen = replace(chosen, model_version=free_version(models_dir, chosen.model_name))
        run_name = f"{recipe}-{chosen.model_version}"
    run_dir = run_dir or Path("runs") / run_name
    outcome = train(chosen, data_dir, run_dir, models_dir or run_dir / "models", resume)
    graphs = ", ".join(
        f"{precision} within {about['max_difference_to_keras']:.1e} of Keras"
        for precision, about in outcome.graphs.items()
    )
    click.echo(
        f"Test accuracy {outcome.metrics['accuracy']:.4f}, loss {outcome.metrics['loss']:.3f}, "
        f"AUC {outcome.metrics['auc']:.4f}; {graphs}.\n"
        f"Run:    {run_dir}\nBundle: {outcome.bundle}\nReport: {outcome.report}"
    )


@cli.command()
@click.option("--data", type=click.Choice(["imdb", "nsmc"]), default="imdb", show_default=True, help="The data set.")
@click.option(
    "--data-dir", type=_FOLDER, help="Its folder.  [env vars: IMDB_DATA_DIR, NSMC_DATA_DIR; Keras downloads imdb]"
)
@click.option("--output", type=_FOLDER, default=Path("runs/explore"), show_default=True)
def explore(data: str, data_dir: Path | None, output: Path) -> None:
    """Look at a data set: sizes, lengths, frequent words or characters, sample reviews."""
    from training.corpora import CORPORA  # TensorFlow takes seconds to import; --help should not
    from training.explore import explore as look

    named = os.environ.get(f"{data.upper()}_DATA_DIR")
    click.echo(look(CORPORA[data](data_dir or (Path(named) if named else None)), output))


def main() -> None:
    """Runs the command line; an expected error is one line and exit code 1."""
    try:
        cli(prog_name="python -m training")
    except (TrainingError, ServiceError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
