"""The command `histograms`."""

from pathlib import Path

import click

from training.cli.options import FOLDER, data_dir_option, folder_of


@click.command(short_help="Give a finished bundle the reference histograms of its data set's test texts.")
@click.argument("bundle", type=FOLDER)
@click.option("--data", metavar="NAME", help="Its data set.  [default: what its recipe names]")
@data_dir_option()
def histograms(bundle: Path, data: str | None, data_dir: Path | None) -> None:
    """Write into the manifest of BUNDLE what its model makes of the test texts of its data set.

    The service compares the texts that it reads with these histograms (GET /models/NAME/drift). Training writes them
    itself; this is for a bundle that has none.

    \b
    Example:
      python -m training histograms models/imdb-conv1d/3 --data imdb
    """  # noqa: D301 (click looks for the character, not for the letters)
    from service.inference.bundle import open_bundle
    from training.export import add_histograms
    from training.recipes import data_sets

    name = data or str(open_bundle(bundle).manifest.recipe.get("data_set", ""))
    data_set = data_sets().get(name)
    if data_set is None:
        raise click.UsageError(
            f"{name!r} is no data set of this project ({', '.join(data_sets())}); --data names one. A model of your "
            "own data gets histograms when it is trained."
        )
    texts = data_set.load(folder_of(data_set, data_dir)).test_texts
    written = add_histograms(bundle, texts, f"test split of {name}").manifest.histograms
    assert written  # noqa: S101 (`add_histograms` raises otherwise)
    click.echo(f"{bundle}: histograms of {written.texts:,} texts")
