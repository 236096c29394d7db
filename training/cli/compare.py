"""The command `compare`."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from training.cli.options import FOLDER

LARGE_TEXTS = 2_000
"""Least number of texts that are worth a progress bar."""


@click.command(short_help="Put models side by side: as they were measured, or on any labelled file.")
@click.argument("arguments", nargs=-1, required=True, metavar="MODEL... [FILE]")
@click.option(
    "--models-dir",
    type=FOLDER,
    default=Path("models"),
    show_default=True,
    envvar="SENTIMENT_MODELS_DIR",
    show_envvar=True,
    help="Folder of bundles: <name>/<version>.",
)
@click.option("--text-column", default="text", show_default=True, help="Column of FILE with the texts.")
@click.option("--label-column", default="label", show_default=True, help="Column of FILE with the labels.")
@click.option("--by", metavar="COLUMN", help="Show the accuracy for each value of this column as well.")
@click.option("--limit", type=click.IntRange(1), help="Read only the first so many rows.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "int8", "reference"]),
    default="auto",
    show_default=True,
    help="Precision of the computation; auto takes what the service would take on this machine.",
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

    MODEL is a version of imdb-conv1d, such as 2, a name and a version, such as nsmc-conv1d/2, or the folder of a
    bundle, such as runs/lecture/models/imdb-conv1d/1. There may be more than two of them, or a single one.

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
    from training.compare.bundles import names_model, open_models, recorded_figures
    from training.compare.text import comparison_text, recorded_text

    *models, last = arguments
    file = None if names_model(last) else Path(last)
    if file is None:
        models.append(last)
    if wrong := next((each for each in models if not names_model(each)), None):
        raise click.UsageError(
            f"{wrong} is neither a version, such as 2, nor a name and a version, such as a-b/2, nor a bundle's folder."
        )
    if not models:
        raise click.UsageError(f"No model is named to read {file}: 1 is the first version of imdb-conv1d.")
    if file is None:
        recorded = recorded_figures(open_models(models, models_dir))
        click.echo(_json(recorded) if as_json else recorded_text(recorded))
        return
    from training.compare.labelled import read_labelled
    from training.data.labelled import Columns

    bundles = open_models(models, models_dir)
    columns = Columns(text_column, label_column, by)
    labelled = read_labelled(file, columns, [bundle.manifest.labels for bundle in bundles], limit)

    from training.compare.comparison import compare as read_and_compare  # scikit-learn and SciPy take seconds to import

    with _progress(len(labelled.texts)) as progress:
        comparison = read_and_compare(bundles, labelled, precision, progress)
    click.echo(_json(comparison) if as_json else comparison_text(comparison))


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1)


@contextlib.contextmanager
def _progress(texts: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error, if that is a terminal and the texts take long enough."""
    if texts < LARGE_TEXTS or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=texts, file=sys.stderr, show_pos=True) as bar:
        yield bar.update
