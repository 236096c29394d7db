"""The options of training on one's own texts, `--data FILE`, and what they do."""

import re
from pathlib import Path
from typing import Any

import click

from training.cli.options import Command

NAME = r"^[a-z0-9][a-z0-9-]*$"
"""Of a model, as in a manifest."""

_OPTIONS = (
    click.option(
        "--data",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Train on your own labelled texts: a CSV, TSV, NDJSON or Parquet file. No recipe is used.",
    ),
    click.option("--name", help="With --data: name of the model, in lower-case letters, digits and hyphens."),
    click.option("--text-column", help="With --data: column with the texts.  [default: text]"),
    click.option("--label-column", help="With --data: column with the labels, of two values.  [default: label]"),
    click.option("--positive-label", help="With --data: the label that is positive, if it is not 1 or positive."),
    click.option(
        "--group-column",
        help="With --data: texts of one value of this column, such as an author, stay on one side of the split.",
    ),
    click.option(
        "--language",
        type=click.Choice(["auto", "en", "ko"]),
        help="With --data: en reads words, for every language that separates them by blanks; ko reads characters.  "
        "[default: auto]",
    ),
    click.option(
        "--start-from",
        metavar="NAME[/VERSION]",
        help="With --data: continue from this model in --models-dir, such as imdb-conv1d: its tokenizer, and its "
        "answer beside the n-grams of your texts. Best for a few thousand texts or fewer.",
    ),
    click.option(
        "--base",
        metavar="NAME/VERSION",
        help="With --data: the model in --models-dir to compare with.  [default: the newest of the language]",
    ),
)


OWN_NAMES = (
    "data", "name", "text_column", "label_column", "positive_label", "group_column", "language", "base", "start_from",
)  # fmt: skip


def own_options(command: Command) -> Command:
    """Add the options of training on own texts to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def refuse_without_data(given: dict[str, Any]) -> None:
    """Refuse options that mean nothing without `--data`.

    Raises:
        click.UsageError: one is given.
    """
    if wrong := [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]:
        raise click.UsageError(f"{', '.join(wrong)}: only with --data FILE, which trains on your own texts.")


def train_on_own_texts(data: Path, name: str | None, models_dir: Path, seed: int | None, **given: Any) -> None:
    """Train and print what was measured."""
    from training.data.labelled import Columns
    from training.own.card import left_out_lines
    from training.own.train import train_own
    from training.report.findings import interval

    if name is None or not re.match(NAME, name):
        raise click.UsageError("--data needs --name: lower-case letters, digits and hyphens, such as --name my-model.")
    columns = Columns(given["text_column"] or "text", given["label_column"] or "label", given["group_column"])
    outcome = train_own(
        data,
        columns,
        name,
        models_dir,
        given["positive_label"],
        given["language"] or "auto",
        113 if seed is None else seed,
        given["base"],
        given["start_from"],
    )
    measured = outcome.metrics
    lines = left_out_lines(outcome.texts)
    lines.append(f"Held out: {measured['reviews']:,} of {len(outcome.texts.texts):,} texts.")
    figures = [(f"{name}/{outcome.bundle.name}", measured["accuracy"], measured["macro_f1"], "")]
    figures += [(c.name, c.accuracy, c.macro_f1, f"{c.p_value:.2g}") for c in outcome.comparisons]
    width = max(len(each[0]) for each in figures)
    lines.append(f"{'':{width}}  accuracy    95 % interval  mean F1  p (McNemar)")
    for model, accuracy, macro_f1, p in figures:
        low, high = interval(accuracy, measured["reviews"])
        lines.append(f"{model:{width}}  {accuracy:8.1%}  {low:6.1%} - {high:6.1%}  {macro_f1:7.3f}  {p}".rstrip())
    lines += [f"Bundle: {outcome.bundle}", f"Card:   {outcome.card}"]
    elsewhere = "" if models_dir == Path("models") else f"SENTIMENT_MODELS_DIR={models_dir} "
    lines.append(f'Serve it: {elsewhere}make serve ARGS="--model {name}"')
    click.echo("\n".join(lines))
