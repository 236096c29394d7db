"""Write the model card of a model of a user's own texts."""

from typing import Any

from service.inference.manifest import Manifest
from training.own.comparisons import Comparison
from training.own.texts import FEW_TEXTS, OwnTexts
from training.report.findings import interval


def model_card(
    manifest: Manifest, own: OwnTexts, fitted: int, metrics: dict[str, Any], comparisons: list[Comparison]
) -> str:
    """Return the card, as Markdown.

    Args:
        manifest: of the bundle.
        own: the texts.
        fitted: number of texts that it was fitted on.
        metrics: on the held-out texts.
        comparisons: others on the same texts.
    """
    negative, positive = own.label_names
    held_out = metrics["reviews"]
    counts = [int((own.labels == label).sum()) for label in (0, 1)]
    lines = [
        f"# {manifest.name}",
        "",
        f"Version {manifest.version}: {manifest.description} A probability of {manifest.threshold} or more is "
        f"`{positive}`, a smaller one `{negative}`.",
        "",
        "## Results",
        "",
        f"On {metrics['reviews']:,} texts that were held out:",
        "",
        "| | accuracy (95 % interval) | mean F1 of both labels | p |",
        "|---|---|---|---|",
        _row(f"**{manifest.name}/{manifest.version}**", metrics["accuracy"], metrics["macro_f1"], held_out, ""),
        *(_row(c.name, c.accuracy, c.macro_f1, held_out, f"{c.p_value:.2g}") for c in comparisons),
        "",
        "p is that of McNemar's exact test against the new model: how probable it is that chance splits the texts on "
        "which the two disagree so unevenly.",
        f"AUC {metrics['auc']:.3f}, log loss {metrics['loss']:.3f}, "
        f"calibration error {metrics['calibration_error']:.3f}.",
        "",
        "## Data",
        "",
        f"{own.path.name}: {sum(counts):,} different texts, {counts[0]:,} `{negative}` and {counts[1]:,} `{positive}`. "
        f"{fitted:,} were fitted, {metrics['reviews']:,} held out{_grouped(manifest)}.",
        *left_out_lines(own),
        "",
        "## Limits",
        "",
        "- The figures hold for texts like those of the file. Texts from elsewhere may be labelled worse.",
        _kind(manifest),
    ]
    if sum(counts) < FEW_TEXTS:
        lines.append(f"- There are fewer than {FEW_TEXTS} texts: the intervals are wide, and more texts help most.")
    return "\n".join([*lines, ""])


def left_out_lines(own: OwnTexts) -> list[str]:
    """Return a line for each kind of row that was left out."""
    kinds = {
        "repeat an earlier text and were left out": own.duplicates,
        "have a text that occurs with both labels and were left out": own.contradictory,
        "have no readable text or no label and were left out": own.unreadable,
    }
    return [
        f"{len(rows):,} {own.row_kind}s {what}, the first of them {own.row_kind} {rows[0]:,}."
        for what, rows in kinds.items()
        if rows
    ]


def _kind(manifest: Manifest) -> str:
    if start := manifest.recipe.get("start_from"):
        return f"- The model adds weights of n-grams to the answer of {start}, whose limits it shares."
    return (
        "- The model adds up weights of words or characters that stand together. It does not know irony, nor the order "
        "of sentences."
    )


def _grouped(manifest: Manifest) -> str:
    column = manifest.recipe.get("group_column")
    return f", with every value of `{column}` on one side only" if column else ""


def _row(name: str, accuracy: float, macro_f1: float, texts: int, p: str) -> str:
    low, high = interval(accuracy, texts)
    return f"| {name} | {accuracy:.1%} ({low:.1%} to {high:.1%}) | {macro_f1:.3f} | {p} |"
