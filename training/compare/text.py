"""Comparisons as text for people: a column for each model."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from training.report.findings import interval, length_bin

_SPLITS = {
    "test": "Test reviews of the data set, in float32",
    "validation": "Training reviews that were held out, before the model was fitted to all",
}
_TEXT_COLUMNS = 100
"""Characters of a text that are printed."""

Row = tuple[str, Sequence[str]]
"""What is measured, and the figure of each model; empty where there is none."""


def recorded_text(recorded: dict[str, Any]) -> str:
    """Write what `bundles.recorded_figures` found."""
    models = recorded["models"]
    names = [model["model"] for model in models]
    blocks = ["\n".join(f"{model['model']}: {model['description']}" for model in models)]
    for split, title in _SPLITS.items():
        rows = _split_rows([model["metrics"].get(split, {}) for model in models])
        if split == "test" and rows:
            rows += _rows(
                [model["graphs"] for model in models],
                {"accuracy in 8 bits": lambda graphs: f"{graphs['int8']['accuracy']:.2%}"},
            )
        blocks += [_table(title, names, rows)] if rows else []
    seen = [model["model"] for model in models if model["validation"] == "test"]
    if seen:
        blocks.append(f"The test reviews were also the validation data of {', '.join(seen)}, after each epoch.")
    if len({name.partition("/")[0] for name in names}) > 1:
        blocks.append("Models of different names may have been measured on different data.")
    blocks.append("These are the figures of the manifests. A FILE of labelled texts is read by all the models anew.")
    return "\n\n".join(blocks)


def comparison_text(comparison: dict[str, Any]) -> str:
    """Write what `comparison.compare` measured."""
    file, models, labels = comparison["file"], comparison["models"], comparison["labels"]
    names = [model["model"] for model in models]
    counts = f"{file['positive']:,} {labels[1]}, {file['texts'] - file['positive']:,} {labels[0]}"
    title = f"{_texts(file['texts'])} of {file['path']}: {counts}"
    if file["left_out"]:
        first = f"{file['row_kind']} {file['left_out'][0]}"
        title += f"\n{len(file['left_out']):,} left out for want of a text that can be judged, the first in {first}"
    counted = [model["counted"] for model in models]  # words or characters
    rows = _rows(
        models,
        {
            **_quality(labels[1]),
            f"{' or '.join(dict.fromkeys(counted))} known": lambda model: f"{model['known_words']:.1%}",
            "texts cut": lambda model: f"{model['truncated']:,}",
            "texts a second of one core": lambda model: f"{model['texts_per_second']:,.0f}",
            "precision": lambda model: model["precision"],
        },
    )
    blocks = [_table(title, names, rows)]
    lengths = [
        (f"{length_bin(bins[0])} ({_texts(bins[0]['reviews'])})", [f"{each['accuracy']:.1%}" for each in bins])
        for bins in zip(*(model["by_length"] for model in models), strict=True)
    ]
    if len(lengths) > 1:
        blocks.append(_table(f"Accuracy by {counted[0]} in the text", names, lengths))
    if comparison["by_group"]:
        groups = [
            (f"{_printable(group['group'])} ({_texts(group['texts'])})", [f"{each:.1%}" for each in group["accuracy"]])
            for group in comparison["by_group"]
        ]
        blocks.append(_table("Accuracy by group", names, groups))
    if comparison["pairs"]:
        blocks.append("\n".join(_pair_text(pair, file["texts"]) for pair in comparison["pairs"]))
    if comparison["most_different"]:
        blocks.append(_different_text(comparison))
    return "\n\n".join(blocks)


def _split_rows(metrics: Sequence[dict[str, Any]]) -> list[Row]:
    """Make the rows of one split: the figures of each model, with those of the short texts out of it."""
    with_intervals = [
        {**each, "accuracy_interval": interval(each["accuracy"], each["reviews"])} if each else {} for each in metrics
    ]
    rows = _rows(with_intervals, {"reviews": lambda each: f"{each['reviews']:,}", **_quality("positive")})
    for name in dict.fromkeys(name for each in metrics for name in each.get("short_texts", {})):
        short = [each.get("short_texts", {}).get(name, {}) for each in metrics]
        rows += _rows(short, {f"accuracy, {name} of each": lambda each: f"{each['accuracy']:.2%}"})
    return rows


def _quality(positive: str) -> dict[str, Callable[[dict[str, Any]], str]]:
    return {
        "accuracy": lambda each: f"{each['accuracy']:.2%}",
        "  95 % interval": lambda each: "{:.1%} to {:.1%}".format(*each["accuracy_interval"]),
        f"called {positive}": lambda each: f"{each['predicted_positive']:.1%}",
        "log loss": lambda each: f"{each['loss']:.3f}",
        "AUC": lambda each: f"{each['auc']:.4f}",
        "calibration error": lambda each: f"{each['calibration_error']:.3f}",
    }


def _rows(models: Sequence[dict[str, Any]], figures: dict[str, Callable[[dict[str, Any]], str]]) -> list[Row]:
    """Make a row for each figure that at least one of the models has."""
    rows = [(name, [_figure(model, shown) for model in models]) for name, shown in figures.items()]
    return [(name, cells) for name, cells in rows if any(cells)]


def _figure(model: dict[str, Any], shown: Callable[[dict[str, Any]], str]) -> str:
    try:
        return shown(model)
    except (KeyError, TypeError):  # it was not measured, or cannot be: None
        return ""


def _table(title: str, header: Sequence[str], rows: Iterable[Row]) -> str:
    rows = list(rows)
    first = max(len(name) for name, _ in rows)
    widths = [max(len(column), *(len(cells[i]) for _, cells in rows)) for i, column in enumerate(header)]
    lines = [
        f"  {name:{first}}" + "".join(f"  {cell or '–':>{width}}" for cell, width in zip(cells, widths, strict=True))
        for name, cells in [("", header), *rows]
    ]
    return "\n".join([title, *(line.rstrip() for line in lines)])


def _pair_text(pair: dict[str, Any], texts: int) -> str:
    (first, second), (first_right, second_right) = pair["models"], pair["right"]
    if not pair["disagree"]:
        return f"{first} and {second} give every text the same label."
    return (
        f"{first} and {second} disagree on {pair['disagree']:,} of {_texts(texts)}: {first} is right on "
        f"{first_right:,} of them, {second} on {second_right:,} "
        f"(exact McNemar test: p = {_p_value(pair['mcnemar_p'])})."
    )


def _texts(number: int) -> str:
    return f"{number:,} text{'s' * (number != 1)}"


def _p_value(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1g}"


def _different_text(comparison: dict[str, Any]) -> str:
    """Write a line for each of the texts that the models see most differently."""
    kind, labels = comparison["file"]["row_kind"], comparison["labels"]
    lines = [
        (
            f"{kind} {text['row']}",
            labels[text["label"]],
            " ".join(f"{probability:5.3f}" for probability in text["probabilities"]),
            _shortened(text["text"]),
        )
        for text in comparison["most_different"]
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(2)]
    return "\n".join(
        [
            f"Where they differ most (label, and the probability of {labels[1]} from each model):",
            *(f"  {place:{widths[0]}}  {label:{widths[1]}}  {rest}  {text}" for place, label, rest, text in lines),
        ]
    )


def _shortened(text: str) -> str:
    line = " ".join(_printable(text).split())
    return line if len(line) <= _TEXT_COLUMNS else line[: _TEXT_COLUMNS - 1] + "…"


def _printable(text: str) -> str:
    """Without what would move the cursor or colour the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
