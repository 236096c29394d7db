"""The pictures of a run, drawn from the figures that it wrote."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from training.report import findings
from training.report.style import FIRST, INK, PAPER, SECOND, SOFT, WIDTH, Picture, picture

_WHOLE_NUMBERS = FuncFormatter(lambda value, _: f"{value:,.0f}")


def history_pictures(history: dict[str, list[float]]) -> list[Picture]:
    """Draw the lecture's two plots, `loss` and `accuracy`, training and validation, as far as there are figures."""
    pictures = []
    for name in ("loss", "accuracy"):
        if history.get(name) or history.get(f"val_{name}"):
            title = findings.history_finding(name, history)
            about = f"{name.capitalize()} after each epoch, in training and, where it was measured, in validation."
            pictures.append(picture(name, title, about, partial(_history, name=name, history=history)))
    return pictures


def metrics_pictures(metrics: dict[str, Any], labels: Sequence[str]) -> list[Picture]:
    """`confusion`, `calibration`, `by_length` and `short_texts`: of those that there are figures for."""
    pictures, overall = [], metrics.get("accuracy")
    if counts := metrics.get("confusion"):
        title = findings.confusion_finding(counts, labels)
        about = "Reviews by their label (rows) and by what the model says (columns)."
        size = (4.6, 4.1)
        pictures.append(
            picture("confusion", title, about, lambda axes: _confusion(axes, np.array(counts), labels), size)
        )
    if bins := metrics.get("calibration"):
        title = findings.calibration_finding(bins)
        about = "Reviews grouped by the probability they were given, against the share of them that is positive."
        pictures.append(picture("calibration", title, about, lambda axes: _calibration(axes, bins), (4.6, 4.8)))
    if rows := metrics.get("by_length"):
        title = findings.by_length_finding(rows)
        about = "Accuracy for reviews of each length, with 95% intervals."
        named = {findings.length_bin(row): row for row in rows}
        pictures.append(_shares_picture("by_length", title, about, named, overall, "length of the review (token ids)"))
    if sets := metrics.get("short_texts"):
        title = findings.short_texts_finding(sets, overall)
        about = "Accuracy for parts of reviews, with 95% intervals, and the share that is called positive."
        pictures.append(_shares_picture("short_texts", title, about, sets, overall, ""))
    return pictures


def length_picture(length: dict[str, Any]) -> Picture:
    """`lengths`: how long the reviews are, with the model's cut drawn in."""
    about = (
        f"Reviews by their number of token ids; the last bar holds all that are longer, up to {length['longest']:,}."
    )
    return picture("lengths", findings.length_finding(length), about, lambda axes: _lengths(axes, length))


def _history(axes: Axes, *, name: str, history: dict[str, list[float]]) -> None:
    lines = [("", "training", FIRST, "o"), ("val_", "validation", SECOND, "s")]
    for prefix, label, colour, marker in lines:
        if values := history.get(f"{prefix}{name}"):
            axes.plot(range(1, len(values) + 1), values, color=colour, marker=marker, markersize=5, label=label)
    axes.set(xlabel="epoch", ylabel="accuracy" if name == "accuracy" else "loss (cross-entropy, nats)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if name == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    else:
        axes.set_ylim(bottom=0)
    axes.legend(loc="best")


def _confusion(axes: Axes, counts: np.ndarray[Any, np.dtype[np.int64]], labels: Sequence[str]) -> None:
    axes.grid(False)
    for (row, column), count in np.ndenumerate(counts):
        colour, share = FIRST if row == column else SECOND, count / max(1, counts[row].sum())
        axes.add_patch(
            Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colour, alpha=0.1 + 0.3 * share, linewidth=0)
        )
        axes.text(column, row - 0.04, f"{count:,}", ha="center", va="center", fontsize=17)
        axes.text(column, row + 0.2, f"{share:.1%} of {labels[row]}", ha="center", va="center", fontsize=9)
    ticks: Any = range(len(labels))
    axes.set(xlim=(-0.5, len(labels) - 0.5), ylim=(len(labels) - 0.5, -0.5), xticks=ticks, yticks=ticks)
    axes.set(xlabel="the model says", ylabel="the review is")
    axes.set_xticklabels(labels)
    axes.set_yticklabels(labels, rotation=90, va="center")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _calibration(axes: Axes, bins: Sequence[dict[str, float]]) -> None:
    given, positive = [b["mean_probability"] for b in bins], [b["share_positive"] for b in bins]
    reviews = np.array([b["reviews"] for b in bins])
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1.2, linestyle="--", label="as it should be")
    axes.plot(given, positive, color=FIRST, linewidth=1.5)
    # One point at a time: a collection's styles would be shared in the file, where the dark colours do not find them.
    for x, y, size in zip(given, positive, 4 + 14 * np.sqrt(reviews / reviews.max()), strict=True):
        axes.plot(x, y, color=FIRST, marker="o", markersize=size, markeredgecolor=PAPER, clip_on=False, zorder=3)
    axes.plot([], [], color=FIRST, marker="o", label="measured (larger: more reviews)")
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set(xlabel="probability of positive that was given (mean)", ylabel="share that is positive")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="upper left")


def _shares_picture(
    name: str, title: str, about: str, rows: dict[str, dict[str, Any]], overall: float | None, ylabel: str
) -> Picture:
    size = (WIDTH, 1.7 + 0.3 * len(rows))
    return picture(name, title, about, lambda axes: _shares(axes, rows, overall, ylabel), size)


def _shares(axes: Axes, rows: dict[str, dict[str, Any]], overall: float | None, ylabel: str) -> None:
    """Draw a line for each row: accuracy with its interval, and the share called positive where it is known."""
    for place, row in enumerate(rows.values()):
        accuracy = row["accuracy"]
        low, high = findings.interval(accuracy, row["reviews"])
        axes.plot([low, high], [place, place], color=FIRST, linewidth=3, solid_capstyle="butt")
        label = "accuracy, 95% interval" if not place else None
        axes.plot(accuracy, place, color=FIRST, marker="o", markersize=8, linewidth=3, label=label)
        if "predicted_positive" in row:
            label = "called positive" if not place else None
            axes.plot(row["predicted_positive"], place, SECOND, marker="s", linestyle="", markersize=7, label=label)
        text = f"{accuracy:.1%} of {row['reviews']:,}"
        axes.annotate(
            text,
            (1, place),
            (6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            color=INK,
        )
    if overall is not None:
        label = f"whole test set, {overall:.1%}"
        axes.axvline(overall, color=SOFT, linestyle="--", linewidth=1.2, label=label, zorder=1)
    axes.set_yticks(range(len(rows)), list(rows))
    several = any("predicted_positive" in row for row in rows.values())
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel="share of the reviews" if several else "accuracy", ylabel=ylabel)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.grid(visible=False, axis="y")
    axes.figure.legend(loc="outside lower left", ncols=3, fontsize=9, handletextpad=0.5, columnspacing=1.2)


def _lengths(axes: Axes, length: dict[str, Any]) -> None:
    width, counts = length["histogram"]["step"], length["histogram"]["reviews"]
    for bar, count in enumerate(counts):
        colour = SECOND if bar * width >= length["maxlen"] else FIRST
        axes.bar(bar * width, count, width * 0.9, align="edge", color=colour, linewidth=0)
    if length["maxlen"] < width * len(counts):
        axes.axvline(length["maxlen"], color=INK, linewidth=1.5)
        cut, place = f"the model reads {length['maxlen']:,}", (length["maxlen"], 0.95)
        axes.annotate(cut, place, (6, 0), xycoords=("data", "axes fraction"), textcoords="offset points", va="center")
    axes.annotate(
        "all longer ones",
        (1, counts[-1]),
        (0, 4),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        fontsize=9,
    )
    axes.set(xlabel="length of the review (token ids)", ylabel="reviews", xlim=(0, width * len(counts)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(_WHOLE_NUMBERS)
