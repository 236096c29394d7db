"""The command line: `python -m training` does a whole run; `explore`, `report` and `compare` look at what there is."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from service.errors import ServiceError
from training.errors import TrainingError
from training.recipes import LECTURE, RECIPES, WideDeepRecipe, free_version

LARGE_TEXTS = 2_000
"""From so many on a file is worth a progress bar."""

_FOLDER = click.Path(path_type=Path, file_okay=False)
_data_dir = click.option(
    "--data-dir",
    type=_FOLDER,
    help="Folder of the data set: imdb.npz and imdb_word_index.json, which Keras downloads without it, or "
    "ratings_train.txt and ratings_test.txt of NSMC.  [env vars: IMDB_DATA_DIR, NSMC_DATA_DIR]",
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
@click.option(
    "--folds",
    type=click.IntRange(2),
    help="With --held-out: hold out all training reviews, in so many turns, at random. It takes so many times as long.",
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
    folds: int | None,
    resume: bool,
    **changes: Any,
) -> None:
    """Fit the network of a recipe and export it as a bundle: data, model, fit, evaluate, export."""
    if context.invoked_subcommand:
        return
    from training.run import judge, train  # TensorFlow takes seconds to import; --help should not

    chosen = replace(RECIPES[recipe], **{name: value for name, value in changes.items() if value is not None})
    data_dir = _folder_of(chosen.data_set, data_dir)
    if held_out:
        if not isinstance(chosen, WideDeepRecipe):
            raise click.UsageError(f"The recipe {recipe} holds no reviews out.")
        if resume or new_version or models_dir:
            raise click.UsageError("--held-out makes no model: --resume, --new-version and --models-dir mean nothing.")
        run_dir = run_dir or Path("runs") / f"{recipe}-held-out"
        click.echo(_table(judge(chosen, data_dir, run_dir, folds)))
        return
    if folds:
        raise click.UsageError("--folds needs --held-out.")
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
@_data_dir
@click.option("--output", type=_FOLDER, default=Path("runs/explore"), show_default=True)
def explore(data: str, data_dir: Path | None, output: Path) -> None:
    """Look at a data set: sizes, lengths, frequent words or characters, sample reviews."""
    from training.corpora import CORPORA  # TensorFlow takes seconds to import; --help should not
    from training.explore import explore as look

    click.echo(look(CORPORA[data](_folder_of(data, data_dir)), output))


def _folder_of(data_set: str, given: Path | None) -> Path | None:
    """Where a data set is: as was said, or as its variable says."""
    named = os.environ.get(f"{data_set.upper()}_DATA_DIR")
    return given or (Path(named) if named else None)


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


@cli.command(short_help="Put models side by side: as they were measured, or on any labelled file.")
@click.argument("arguments", nargs=-1, required=True, metavar="MODEL... [FILE]")
@click.option(
    "--models-dir",
    type=_FOLDER,
    default=Path("models"),
    show_default=True,
    envvar="SENTIMENT_MODELS_DIR",
    show_envvar=True,
    help="Folder of bundles: <name>/<version>.",
)
@click.option("--text-column", default="text", show_default=True, help="Where FILE has the texts.")
@click.option("--label-column", default="label", show_default=True, help="Where it has the labels.")
@click.option("--by", metavar="COLUMN", help="Show the accuracy for each value of this column as well.")
@click.option("--limit", type=click.IntRange(1), help="Read only the first so many rows.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "int8", "reference"]),
    default="auto",
    show_default=True,
    help="Of the computation; auto is what the service would choose on this machine.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def compare(
    arguments: tuple[str, ...],
    models_dir: Path,
    text_column: str,
    label_column: str,
    by: str | None,
    limit: int | None,
    precision: str,
    as_json: bool,
) -> None:
    """Put models side by side: as they were measured, or on any labelled file.

    MODEL is a version of imdb-conv1d, such as 2, or a name and a version, such as nsmc-conv1d/1. There may be more than
    two of them, or a single one.

    Without FILE, what their manifests say of them. With FILE, every model reads its texts: accuracy, log loss, AUC,
    calibration, accuracy by length, time; where the models disagree, who is right there, and whether that could be
    luck.

    FILE ends in .csv, .tsv, .ndjson, .jsonl or .parquet; all but Parquet may be compressed (.gz). A label is 0 or 1, or
    what the model calls it: negative or positive. Rows without a text are left out and counted.

    \b
    Examples:
      python -m training compare 1 2
      python -m training compare 1 2 training/first_sentences.csv --by kind
      python -m training compare 1 2 imdb-conv1d/3 reviews.csv.gz --text-column review --limit 1000 --json
    """  # noqa: D301 (click looks for the character, not for the letters)
    from training.bundles import names_model, open_models, recorded_figures
    from training.side_by_side import comparison_text, recorded_text

    *models, last = arguments
    file = None if names_model(last) else Path(last)
    if file is None:
        models.append(last)
    if wrong := next((each for each in models if not names_model(each)), None):
        raise click.UsageError(f"{wrong} is neither a version, such as 2, nor a name and a version, such as a-b/2.")
    if not models:
        raise click.UsageError(f"No model is named to read {file}: 1 is the first version of imdb-conv1d.")
    if file is None:
        recorded = recorded_figures(open_models(models, models_dir))
        click.echo(_json(recorded) if as_json else recorded_text(recorded))
        return
    from training.labelled import Columns, read_labelled

    bundles = open_models(models, models_dir)
    columns = Columns(text_column, label_column, by)
    labelled = read_labelled(file, columns, [bundle.manifest.labels for bundle in bundles], limit)

    from training.compare import compare as read_and_compare  # scikit-learn and SciPy take seconds to import

    with _progress(len(labelled.texts)) as progress:
        comparison = read_and_compare(bundles, labelled, precision, progress)
    click.echo(_json(comparison) if as_json else comparison_text(comparison))


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1)


@contextlib.contextmanager
def _progress(texts: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, if that is a terminal and there is time to look at it."""
    if texts < LARGE_TEXTS or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=texts, file=sys.stderr, show_pos=True) as bar:
        yield bar.update


def main() -> None:
    """Runs the command line; an expected error is one line and exit code 1."""
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
