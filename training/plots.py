"""The pictures of a run; opaque and light, so that they read the same on a dark page."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

TRAIN, HELD_OUT, GRID, INK = "#2563a8", "#d1600a", "#d9d9d9", "#222222"
_STYLE: Any = {
    "font.size": 11,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def history_plots(history: dict[str, list[float]], folder: Path) -> None:
    """The lecture's two plots, `loss.png` and `accuracy.png`: training and validation for each epoch."""
    epochs = range(1, len(history["loss"]) + 1)
    for name in ("loss", "accuracy"):
        with _figure(folder / f"{name}.png") as axes:
            axes.plot(epochs, history[name], color=TRAIN, marker="o", label=f"training {name}")
            axes.plot(epochs, history[f"val_{name}"], color=HELD_OUT, marker="s", label=f"validation {name}")
            axes.set(title=f"{name.capitalize()} after each epoch", xlabel="epoch", ylabel=name)
            axes.set_xticks(epochs)
            axes.legend()


def metrics_plots(metrics: dict[str, Any], labels: Sequence[str], folder: Path) -> None:
    """`confusion.png`, `calibration.png` and `by_length.png`."""
    with _figure(folder / "confusion.png", size=(4.6, 4.0)) as axes:
        _confusion(axes, np.array(metrics["confusion"]), labels)
    with _figure(folder / "calibration.png", size=(5.0, 4.6)) as axes:
        _calibration(axes, metrics)
    with _figure(folder / "by_length.png") as axes:
        _by_length(axes, metrics)


def length_plot(lengths: NDArray[np.int64], maxlen: int, path: Path) -> None:
    """How long the reviews are, with the model's cut drawn in."""
    shown = int(np.percentile(lengths, 99))
    with _figure(path) as axes:
        axes.hist(np.minimum(lengths, shown), bins=60, color=TRAIN)
        share = float((lengths > maxlen).mean())
        axes.axvline(maxlen, color=HELD_OUT, linewidth=2, label=f"cut at {maxlen}: {share:.0%} are longer")
        title = "Length of the reviews (the longest 1 % in the last bar)"
        axes.set(title=title, xlabel="token ids", ylabel="reviews")
        axes.legend()


@contextmanager
def _figure(path: Path, size: tuple[float, float] = (7.0, 4.2)) -> Iterator[Axes]:
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained", facecolor="white")
        yield figure.add_subplot()
        figure.savefig(path, dpi=120)


def _confusion(axes: Axes, counts: NDArray[np.int64], labels: Sequence[str]) -> None:
    axes.imshow(counts, cmap="Blues", vmin=0)
    axes.grid(False)
    axes.set(title="Reviews by label", xlabel="said", ylabel="is", xticks=[0, 1], yticks=[0, 1])
    axes.set_xticklabels(labels)
    axes.set_yticklabels(labels, rotation=90, va="center")
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if count > counts.max() / 2 else INK
        axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour, fontsize=14)


def _calibration(axes: Axes, metrics: dict[str, Any]) -> None:
    bins = metrics["calibration"]
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle="--", label="as it should be")
    axes.plot(
        [b["mean_probability"] for b in bins],
        [b["share_positive"] for b in bins],
        color=TRAIN,
        marker="o",
        label=f"measured (error {metrics['calibration_error']:.3f})",
    )
    axes.set(title="Calibration", xlabel="probability given", ylabel="share that is positive", xlim=(0, 1), ylim=(0, 1))
    axes.legend()


def _by_length(axes: Axes, metrics: dict[str, Any]) -> None:
    rows = metrics["by_length"]
    names = [f"{row['from']}-{row['to']}" if row["to"] else f"over {row['from'] - 1}" for row in rows]
    accuracies = [row["accuracy"] for row in rows]
    axes.plot(names, accuracies, color=TRAIN, marker="o")
    for position, accuracy in enumerate(accuracies):
        axes.annotate(f"{accuracy:.1%}", (position, accuracy), (0, 8), textcoords="offset points", ha="center")
    axes.axhline(metrics["accuracy"], color=HELD_OUT, label=f"all: {metrics['accuracy']:.1%}")
    axes.set(title="Accuracy by length", xlabel="token ids of the review", ylabel="accuracy")
    axes.set_ylim(max(0.0, min(0.7, min(accuracies) - 0.05)), 1)
    axes.tick_params(axis="x", labelsize=9)
    axes.legend(loc="upper right")
