"""The command without a name: train the network of a recipe."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from training.cli.options import FOLDER, data_dir_option, folder_of, recipe_option
from training.cli.own import OWN_NAMES, own_options, refuse_without_data, train_on_own_texts
from training.quiet import import_tensorflow
from training.recipes import LECTURE, NetworkRecipe, Recipe, free_version

_ONLY_WITH_RECIPES = (
    "recipe", "data_dir", "run_dir", "new_version", "held_out", "resume", "epochs", "max_reviews",
)  # fmt: skip


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@recipe_option(LECTURE.name)
@data_dir_option()
@click.option(
    "--treebank-dir",
    type=FOLDER,
    envvar="SST_DATA_DIR",
    show_envvar=True,
    help="Folder of the Stanford Sentiment Treebank, train.txt and dev.txt, which the recipe taught learns from.",
)
@own_options
@click.option("--run-dir", type=FOLDER, help="Folder of the run.  [default: runs/<recipe>]")
@click.option(
    "--models-dir", type=FOLDER, help="Folder for the bundle.  [default: <run-dir>/models; with --data: models]"
)
@click.option(
    "--new-version",
    is_flag=True,
    help="Make the first version that --models-dir does not have, in a run folder of its own: runs/<recipe>-<version>.",
)
@click.option(
    "--held-out",
    is_flag=True,
    help="Only measure the recipe on training reviews that it holds out; the test reviews are not used.",
)
@click.option("--resume", is_flag=True, help="Continue the run in --run-dir after its last whole epoch.")
@click.option("--epochs", type=click.IntRange(1), help="Number of epochs, instead of the recipe's.")
@click.option("--seed", type=click.IntRange(0), help="Random seed, instead of the recipe's.")
@click.option("--max-reviews", type=click.IntRange(2), help="Use only this number of reviews of each split.")
@click.pass_context
def train(
    context: click.Context,
    /,
    recipe: Recipe,
    data_dir: Path | None,
    treebank_dir: Path | None,
    run_dir: Path | None,
    models_dir: Path | None,
    new_version: bool,
    held_out: bool,
    resume: bool,
    **changes: Any,
) -> None:
    """Fit the network of a recipe, or with --data a model of your own texts, and export it as a bundle."""
    if context.invoked_subcommand:
        return
    own = {name: changes.pop(name) for name in OWN_NAMES}
    if data := own.pop("data"):
        _refuse_with_data(context)
        train_on_own_texts(data, models_dir=models_dir or Path("models"), seed=changes["seed"], **own)
        return
    refuse_without_data(own)
    recipe = replace(recipe, **{name: value for name, value in changes.items() if value is not None})
    data_dir = folder_of(recipe.data_set, data_dir)
    if held_out:
        if resume or new_version or models_dir:
            raise click.UsageError("--held-out makes no model: --resume, --new-version and --models-dir mean nothing.")
        _measure(recipe, data_dir, run_dir or Path("runs") / f"{recipe.name}-held-out", treebank_dir)
        return
    run_name = recipe.name
    if new_version:
        if models_dir is None:
            raise click.UsageError("--new-version needs --models-dir.")
        recipe = replace(recipe, model_version=free_version(models_dir, recipe.model_name))
        run_name = f"{recipe.name}-{recipe.model_version}"
    run_dir = run_dir or Path("runs") / run_name
    _train(recipe, data_dir, run_dir, models_dir or run_dir / "models", resume, treebank_dir)


def _refuse_with_data(context: click.Context) -> None:
    """Refuse the options that only recipes have."""
    source = click.core.ParameterSource.COMMANDLINE
    given = [name for name in _ONLY_WITH_RECIPES if context.get_parameter_source(name) is source]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise click.UsageError(f"{names}: not with --data, which trains n-gram weights without a recipe.")


def _train(
    recipe: Recipe, data_dir: Path | None, run_dir: Path, models_dir: Path, resume: bool, treebank_dir: Path | None
) -> None:
    import_tensorflow()  # which takes seconds; --help should not
    from training.run import train as run

    outcome = run(recipe, data_dir, run_dir, models_dir, resume, treebank_dir)
    graphs = ", ".join(
        f"{precision} within {about['max_difference_to_keras']:.1e} of Keras"
        for precision, about in outcome.graphs.items()
    )
    click.echo(
        f"Test accuracy {outcome.metrics['accuracy']:.4f}, loss {outcome.metrics['loss']:.3f}, "
        f"AUC {outcome.metrics['auc']:.4f}; {graphs}.\n"
        f"Run:    {run_dir}\nBundle: {outcome.bundle}\nReport: {outcome.report}"
    )


def _measure(recipe: Recipe, data_dir: Path | None, run_dir: Path, treebank_dir: Path | None) -> None:
    if not isinstance(recipe, NetworkRecipe):
        raise click.UsageError(f"The recipe {recipe.name} holds no reviews out.")
    import_tensorflow()  # which takes seconds; --help should not
    from training.run import judge

    click.echo(_table(judge(recipe, data_dir, run_dir, treebank_dir)))


def _table(metrics: dict[str, Any]) -> str:
    """Return the main figures of held-out reviews and of the short texts drawn from them."""
    rows = {"whole reviews": metrics, **metrics.get("short_texts", {})}
    lines = [f"{'held out':20} {'texts':>6} {'accuracy':>9} {'positive':>9} {'calibration error':>18}"]
    for name, figures in rows.items():
        lines.append(
            f"{name:20} {figures['reviews']:6,} {figures['accuracy']:9.4f} {figures['predicted_positive']:9.3f} "
            f"{figures['calibration_error']:18.4f}"
        )
    return "\n".join(lines)
