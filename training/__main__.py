"""The command line: `python -m training` does a whole run; `explore` looks at the data, `report` at a run."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from service.errors import ServiceError
from training.errors import TrainingError
from training.recipes import LECTURE, RECIPES, WideDeepRecipe, free_version

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
@click.option(
    "--held-out",
    is_flag=True,
    help="Only judge the recipe by training reviews that it holds out; the test reviews stay unseen.",
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
    held_out: bool,
    resume: bool,
    **changes: Any,
) -> None:
    """Fit the network of a recipe and export it as a bundle: data, model, fit, evaluate, export."""
    if context.invoked_subcommand:
        return
    from training.run import judge, train  # TensorFlow takes seconds to import; --help should not

    chosen = replace(RECIPES[recipe], **{name: value for name, value in changes.items() if value is not None})
    if held_out:
        if not isinstance(chosen, WideDeepRecipe):
            raise click.UsageError(f"The recipe {recipe} holds no reviews out.")
        run_dir = run_dir or Path("runs") / f"{recipe}-held-out"
        click.echo(_table(judge(chosen, data_dir, run_dir)))
        return
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


def _table(metrics: dict[str, Any]) -> str:
    """The main figures of held-out reviews and of the short texts out of them."""
    rows = {"whole reviews": metrics, **metrics.get("short_texts", {})}
    lines = [f"{'held out':20} {'texts':>6} {'accuracy':>9} {'positive':>9} {'calibration error':>18}"]
    for name, figures in rows.items():
        lines.append(
            f"{name:20} {figures['reviews']:6,} {figures['accuracy']:9.4f} {figures['predicted_positive']:9.3f} "
            f"{figures['calibration_error']:18.4f}"
        )
    return "\n".join(lines)


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


@cli.command()
@click.option(
    "--run-dir",
    type=_FOLDER,
    default=Path("runs") / LECTURE.name,
    show_default=True,
    help="Folder of a finished run, or the report of a model: models/<name>/reports/<version>.",
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="The page.  [default: <run-dir>/report.html]"
)
@click.option(
    "--bench",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("runs/bench.json"),
    show_default=True,
    help="Of `make bench`: its speeds are shown if it measured this model.",
)
@click.option("--pictures", is_flag=True, help="Draw the SVG files in --run-dir anew as well.")
def report(run_dir: Path, output: Path | None, bench: Path, pictures: bool) -> None:
    """Put a run into one HTML page that needs nothing else: recipe, curves, quality, data, versions."""
    from training.record import read_record, run_pictures
    from training.report import report_page

    record = read_record(run_dir)
    drawn = run_pictures(record)
    output = output or run_dir / "report.html"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(report_page(record, drawn, bench))
    click.echo(f"Written to {output}")
    if pictures:
        for picture in drawn:
            picture.write(run_dir)
        click.echo(f"Drawn in {run_dir}: {', '.join(f'{picture.name}.svg' for picture in drawn)}")


def main() -> None:
    """Runs the command line; an expected error is one line and exit code 1."""
    try:
        cli(prog_name="python -m training")
    except (TrainingError, ServiceError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
