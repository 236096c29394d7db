"""The command `report`."""

from pathlib import Path

import click

from training.cli.options import FOLDER
from training.recipes import LECTURE


@click.command()
@click.option(
    "--run-dir",
    type=FOLDER,
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
    help="What `make bench` wrote: its speeds are shown if it measured this model.",
)
@click.option("--pictures", is_flag=True, help="Draw the SVG files in --run-dir anew as well.")
def report(run_dir: Path, output: Path | None, bench: Path, pictures: bool) -> None:
    """Put a run into one HTML page that needs nothing else: recipe, curves, quality, data, versions."""
    from training.report.page import report_page
    from training.report.record import read_record, run_pictures

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
