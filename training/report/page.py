"""A run as one HTML page, which asks nobody for anything: the pictures are in it, each with its figures as a table."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from training.report import tables
from training.report.record import RunRecord
from training.report.style import Picture

_TEMPLATE = Path(__file__).with_name("page.html")
_KEY_FIGURES = {
    "accuracy": ("accuracy", ".2%"),
    "auc": ("AUC", ".4f"),
    "loss": ("loss", ".3f"),
    "calibration_error": ("calibration error", ".3f"),
    "reviews": ("test reviews", ",d"),
}


def report_page(record: RunRecord, pictures: Sequence[Picture], bench: Path | None = None) -> str:
    """Write the page.

    Args:
        record: of the run.
        pictures: those of the run.
        bench: what `make bench` wrote; it is used if it is there and of this model.

    Raises:
        RunError: `bench` is damaged.
    """
    drawn = {picture.name: picture for picture in pictures}
    sections = {
        "Curves": _validation_note(record)
        + _figures(drawn, {"loss": "", "accuracy": ""})
        + _folded(tables.history_table(record)),
        "Quality": tables.metrics_table(record)
        + _figures(
            drawn,
            {
                "confusion": tables.confusion_table(record),
                "calibration": tables.calibration_table(record),
                "by_length": tables.by_length_table(record),
                "short_texts": tables.short_texts_table(record),
            },
        ),
        "Precision": tables.precision_table(record, bench),
        "Data": tables.data_table(record) + _figures(drawn, {"lengths": ""}),
        "Network": tables.layers_table(record),
        "Recipe": tables.pairs_table("Every choice of the run", record.recipe),
        "Library versions": tables.pairs_table("What the run was made with", record.libraries),
    }
    sections = {name: content for name, content in sections.items() if content}
    description = record.manifest.description if record.manifest else record.recipe.get("description", "")
    return Template(_TEMPLATE.read_text()).substitute(
        title=escape(f"Training run of {record.model}" if record.model else "Training run"),
        lede=f"<p>{escape(description)}</p>" if description else "",
        key_figures="\n".join(
            f"<div><dt>{name}</dt><dd>{record.metrics[key]:{form}}</dd></div>"
            for key, (name, form) in _KEY_FIGURES.items()
            if key in record.metrics
        ),
        contents="\n".join(f'<li><a href="#{_anchor(name)}">{name}</a></li>' for name in sections),
        sections="\n".join(
            f'<section aria-labelledby="{_anchor(name)}"><h2 id="{_anchor(name)}">{name}</h2>\n{content}</section>'
            for name, content in sections.items()
        ),
    )


def _validation_note(record: RunRecord) -> str:
    if record.recipe.get("validation") != "test":
        return ""
    return "<p>This recipe validates on the test set: a choice of the epoch by these curves is too hopeful.</p>\n"


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _figures(drawn: dict[str, Picture], tables: dict[str, str]) -> str:
    """Collect those of the named pictures that exist, each with its table."""
    figures = []
    for name, table in tables.items():
        if picture := drawn.get(name):
            source = base64.b64encode(picture.svg.encode()).decode()
            figures.append(
                f'<figure id="{name}"><img alt="{escape(picture.title)}" src="data:image/svg+xml;base64,{source}">\n'
                f"<figcaption>{escape(picture.about)}</figcaption>{_folded(table)}</figure>\n"
            )
    return f'<div class="figures">\n{"".join(figures)}</div>\n' if figures else ""


def _folded(table: str) -> str:
    return f"<details><summary>The figures as a table</summary>{table}</details>\n" if table else ""
