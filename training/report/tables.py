"""The figures of a run as HTML tables; one of which there are no figures is an empty string."""

import json
from collections.abc import Collection, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from training.errors import RunError
from training.report.findings import length_bin
from training.report.record import RunRecord

_SPEED = "full reviews, 1 threads"  # of what `make bench` measures, the part without HTTP
_BENCH_NAMES = {"reference": "fixed length"}  # what it calls a graph otherwise than the bundle
_MEANINGS = {
    "accuracy": "share of right answers",
    "auc": "how often a positive review gets a higher probability than a negative one",
    "loss": "binary cross-entropy, nats",
    "calibration_error": "expected gap between probability and share of positives",
    "predicted_positive": "share that is called positive",
    "reviews": "that it was measured on",
}


def pairs_table(caption: str, pairs: dict[str, Any]) -> str:
    """Make a table of names and values of any kind, such as a recipe."""
    shown = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in pairs.items()}
    return _table(caption, ["name", "value"], shown.items(), texts={1})


def history_table(record: RunRecord) -> str:
    """Every value of every epoch, of whatever was noted."""
    names = list(record.history)
    epochs = max(map(len, record.history.values()), default=0)
    rows = [
        [epoch + 1, *(_plain(values[epoch]) if epoch < len(values) else "" for values in record.history.values())]
        for epoch in range(epochs)
    ]
    return _table("Values after each epoch", ["epoch", *(name.replace("_", " ") for name in names)], rows)


def _plain(value: float) -> str:
    return f"{value:.4g}" if abs(value) >= 10 else f"{value:.4f}"


def metrics_table(record: RunRecord) -> str:
    """Every single number of the metrics, with what it means."""
    rows = [
        [key.replace("_", " "), f"{value:,}" if isinstance(value, int) else f"{value:.4f}", _MEANINGS.get(key, "")]
        for key, value in record.metrics.items()
        if isinstance(value, int | float)
    ]
    return _table("Measured on the test reviews", ["metric", "value", "what it is"], rows, texts={2})


def confusion_table(record: RunRecord) -> str:
    """Make a table of reviews by label and answer."""
    counts, labels = record.metrics.get("confusion", []), record.labels
    header = ["the review is", *(f"the model says {label}" for label in labels)]
    rows = [[label, *(f"{n:,}" for n in row)] for label, row in zip(labels, counts, strict=False)]
    return _table("Reviews by label and answer", header, rows)


def calibration_table(record: RunRecord) -> str:
    """Make a table of the bins of the reliability diagram."""
    rows = [
        [f"{b['mean_probability']:.1%}", f"{b['share_positive']:.1%}", f"{b['reviews']:,}"]
        for b in record.metrics.get("calibration", [])
    ]
    return _table("Reliability", ["mean probability of positive", "share that is positive", "reviews"], rows)


def by_length_table(record: RunRecord) -> str:
    """Accuracy of each range of lengths."""
    rows = [[length_bin(r), f"{r['accuracy']:.1%}", f"{r['reviews']:,}"] for r in record.metrics.get("by_length", [])]
    return _table("Accuracy by length", ["token ids", "accuracy", "reviews"], rows)


def short_texts_table(record: RunRecord) -> str:
    """Make a table of how good the model is on parts of reviews."""
    forms = {"accuracy": ".1%", "predicted_positive": ".1%", "calibration_error": ".3f", "reviews": ",d"}
    rows = [
        [name, *(_shown(figures, key, form) for key, form in forms.items())]
        for name, figures in record.metrics.get("short_texts", {}).items()
    ]
    return _table("Parts of reviews", ["part", "accuracy", "called positive", "calibration error", "reviews"], rows)


def precision_table(record: RunRecord, bench: Path | None) -> str:
    """Make a table of the bundle's graphs: how near to Keras, how good, and how fast if that is known."""
    if not record.manifest:
        return ""
    forms = {"accuracy": ".2%", "label_agreement": ".2%", "max_difference_to_keras": ".1e"}
    header = ["graph", "accuracy", "same labels as float32", "largest difference to Keras"]
    rows = [
        [precision, *(_shown(graph.metrics, key, form) for key, form in forms.items())]
        for precision, graph in record.manifest.graphs.items()
    ]
    caption = "The forms of the exported model"
    if measured := _bench_of(record.model, bench):
        machine, speeds = measured
        caption += f"; speed on {machine}"
        header.append("full reviews a second, 1 thread")
        for row in rows:
            row.append(_shown(speeds, _BENCH_NAMES.get(row[0], row[0]), ",.0f"))
    return _table(caption, header, rows)


def _shown(figures: dict[str, Any], key: str, form: str) -> str:
    """Format a number, or nothing if it was not measured."""
    return format(figures[key], form) if key in figures else ""


def _bench_of(model: str, bench: Path | None) -> tuple[str, dict[str, float]] | None:
    """Read the machine and the reviews a second by graph; None where they were not measured for this model."""
    if bench is None or not bench.exists():
        return None
    try:
        found = json.loads(bench.read_text())
        return (found["machine"], found["in_process"][_SPEED]) if found.get("model") == model else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{bench} is not what `make bench` writes: {error!r}") from error


def data_table(record: RunRecord) -> str:
    """Make a table of how many reviews there are, of which class, how long."""
    if not record.data:
        return ""
    reviews, classes, length = (record.data.get(key, {}) for key in ("reviews", "classes", "length"))
    rows = [[f"reviews to {split}", f"{n:,}"] for split, n in reviews.items()]
    rows += [[f"{label} reviews", f"{n:,}"] for label, n in classes.items()]
    if length:
        rows += [["mean length", f"{length['mean']:.1f} token ids"], ["longest", f"{length['longest']:,} token ids"]]
        rows += [[f"{p}% have at most", f"{n:,} token ids"] for p, n in length["percentiles"].items()]
        rows.append([f"longer than {length['maxlen']:,}", f"{length['share_over_maxlen']:.1%}"])
    return _table("The reviews of this run", ["what", "how many or how long"], rows)


def layers_table(record: RunRecord) -> str:
    """Make a table of the network, in the order of computation."""
    layers = record.manifest.layers if record.manifest else ()
    rows = [
        [layer.name, layer.kind, " × ".join(f"{n:,}" for n in layer.output_shape), f"{layer.parameters:,}"]
        for layer in layers
    ]
    total = sum(layer.parameters for layer in layers)
    return _table(f"{total:,} parameters", ["layer", "kind", "output", "parameters"], rows, texts={1})


def _table(caption: str, header: Sequence[str], rows: Iterable[Sequence[Any]], texts: Collection[int] = ()) -> str:
    """Make a table whose first column names its rows; the others hold numbers, but for the columns in `texts`."""
    rows = list(rows)
    if not rows:
        return ""
    numbers = ["" if place in {0, *texts} else ' class="number"' for place in range(len(header))]
    head = "".join(f'<th scope="col"{number}>{escape(name)}</th>' for name, number in zip(header, numbers, strict=True))
    body = ""
    for first, *rest in rows:
        cells = "".join(f"<td{number}>{escape(str(c))}</td>" for c, number in zip(rest, numbers[1:], strict=True))
        body += f'<tr><th scope="row">{escape(str(first))}</th>{cells}</tr>\n'
    # What can be scrolled sideways has to be reached by the keyboard, and so to have a name.
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )
