"""The pictures: that they say the numbers they were given, on light and on dark pages, and the same each time."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from training.report.plots import history_pictures, length_picture, metrics_pictures
from training.report.style import DARK, Picture

REPORTS = sorted((Path(__file__).parents[3] / "models").glob("*/reports/*"))
LABELS = ("negative", "positive")
HISTORY = {
    "loss": [0.6, 0.3, 0.1],
    "val_loss": [0.5, 0.4, 0.7],
    "accuracy": [0.7, 0.9, 0.98],
    "val_accuracy": [0.71, 0.88, 0.84],
}
METRICS: dict[str, Any] = {
    "accuracy": 0.8,
    "confusion": [[1_900, 600], [400, 2_100]],
    "calibration": [
        {"reviews": 2_300, "mean_probability": 0.02, "share_positive": 0.25},
        {"reviews": 2_700, "mean_probability": 0.97, "share_positive": 0.79},
    ],
    "by_length": [
        {"from": 1, "to": 100, "reviews": 4_000, "accuracy": 0.82},
        {"from": 101, "to": 1_200, "reviews": 900, "accuracy": 0.75},
        {"from": 1_201, "to": None, "reviews": 100, "accuracy": 0.66},
    ],
    "short_texts": {
        "one sentence": {"accuracy": 0.63, "predicted_positive": 0.71, "calibration_error": 0.2, "reviews": 4_321},
        "two sentences": {"accuracy": 0.69, "predicted_positive": 0.66, "calibration_error": 0.1, "reviews": 4_320},
    },
}
LENGTH: dict[str, Any] = {
    "percentiles": {"50": 178},
    "maxlen": 300,
    "longest": 2_494,
    "share_over_maxlen": 0.162,
    "histogram": {"step": 100, "reviews": [5, 40, 20, 10, 3]},
}


def drawn(pictures: list[Picture]) -> dict[str, Picture]:
    return {picture.name: picture for picture in pictures}


def texts(picture: Picture) -> list[str]:
    """Every line of text that is drawn, as text."""
    root = ElementTree.fromstring(picture.svg)  # noqa: S314 - our own
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def paths(picture: Picture, colour: str) -> list[list[tuple[float, float]]]:
    """The corners of every line of a colour, in points from the top left."""
    lines = re.findall(rf'<path d="([^"]*)"[^>]*style="fill: none; stroke: {colour}', picture.svg)
    return [[(float(x), float(y)) for x, y in re.findall(r"[ML] (\S+) (\S+)", line)] for line in lines]


@pytest.fixture(scope="module")
def every() -> dict[str, Picture]:
    return drawn([*history_pictures(HISTORY), *metrics_pictures(METRICS, LABELS), length_picture(LENGTH)])


def test_there_is_a_picture_for_each_kind_of_figures(every: dict[str, Picture]) -> None:
    names = {"loss", "accuracy", "confusion", "calibration", "by_length", "short_texts", "lengths"}
    assert set(every) == names


def test_a_title_says_the_finding_and_stands_in_the_picture(every: dict[str, Picture]) -> None:
    assert {name: picture.title for name, picture in every.items()} == {
        "loss": "Validation loss is lowest after epoch 2: 0.400; after epoch 3 it is 0.700, in training 0.100",
        "accuracy": "Validation accuracy is highest after epoch 2: 88.0%; after epoch 3 it is 84.0%, in training 98.0%",
        "confusion": "4,000 of 5,000 reviews are right (80.0%); of the 1,000 errors, 60% say positive",
        "calibration": "Too sure of itself: it gives its answers 97.5% on average, and 77.2% are right",
        "by_length": "Accuracy is 82.0% at its best, for 1–100 ids, and 66.0% at its worst, for over 1,200",
        "short_texts": "With one sentence of a review it gets 63.0% right, instead of 80.0% of whole reviews",
        "lengths": "Half of the reviews have 178 ids or fewer; 16% are longer than the 300 that the model reads",
    }
    for picture in every.values():
        assert picture.title in " ".join(texts(picture))
        assert f"<title>{picture.title}</title>\n <desc>{picture.about}</desc>" in picture.svg


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("loss", ["epoch", "loss (cross-entropy, nats)", "training", "validation"]),
        ("accuracy", ["epoch", "accuracy", "90%", "training", "validation"]),
        ("confusion", ["1,900", "600", "400", "2,100", "84.0% of positive", "the model says", "the review is"]),
        ("calibration", ["probability of positive that was given (mean)", "share that is positive", "100%"]),
        ("by_length", ["1–100", "82.0% of 4,000", "101–1,200", "75.0% of 900", "over 1,200", "66.0% of 100"]),
        ("by_length", ["length of the review (token ids)", "whole test set, 80.0%"]),
        ("short_texts", ["one sentence", "63.0% of 4,321", "two sentences", "69.0% of 4,320", "called positive"]),
        ("lengths", ["length of the review (token ids)", "reviews", "the model reads 300", "40"]),
    ],
)
def test_axes_numbers_and_units_are_written_as_text(every: dict[str, Picture], name: str, said: list[str]) -> None:
    assert set(said) <= set(texts(every[name]))


def test_curves_go_where_the_figures_are(every: dict[str, Picture]) -> None:
    training, validation = (paths(every["loss"], colour)[0] for colour in ("#1d5fa8", "#b2500f"))
    heights = [y for _, y in training + validation]
    values = HISTORY["loss"] + HISTORY["val_loss"]
    a_nat = (heights[0] - heights[2]) / (values[0] - values[2])  # in points; downwards, so negative
    for height, value in zip(heights, values, strict=True):
        assert height == pytest.approx(heights[0] + (value - values[0]) * a_nat, abs=0.01)
    assert a_nat < 0
    assert [x for x, _ in training] == [x for x, _ in validation]


def test_an_interval_is_wider_where_there_are_fewer_reviews(every: dict[str, Picture]) -> None:
    intervals = [line for line in paths(every["by_length"], "#1d5fa8") if len(line) == 2][:3]
    widths = [right - left for (left, _), (right, _) in intervals]
    assert widths == sorted(widths)
    assert widths[2] > 5 * widths[0]


def test_every_bar_has_the_height_of_its_reviews(every: dict[str, Picture]) -> None:
    bars = re.findall(r'<path d="([^"]*)"[^>]*style="fill: (#1d5fa8|#b2500f)"', every["lengths"].svg)
    heights = []
    for corners, _ in bars:
        levels = [float(y) for y in re.findall(r"[ML] \S+ (\S+)", corners)]
        heights.append(max(levels) - min(levels))
    unit = heights[1] / 40
    assert heights == [pytest.approx(count * unit, abs=0.01) for count in LENGTH["histogram"]["reviews"]]
    assert [colour for _, colour in bars] == ["#1d5fa8"] * 3 + ["#b2500f"] * 2  # those beyond the cut


def test_the_same_figures_give_the_same_bytes(every: dict[str, Picture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    again = drawn([*history_pictures(HISTORY), *metrics_pictures(METRICS, LABELS), length_picture(LENGTH)])
    assert again == every


def test_every_colour_has_a_dark_one_and_nothing_is_asked_of_anybody(every: dict[str, Picture]) -> None:
    for picture in every.values():
        style, drawing = picture.svg.split("</style>", 1)
        assert set(re.findall(r"(?:fill|stroke): (#\w{6})", drawing)) <= set(DARK)
        assert "@media (prefers-color-scheme:dark)" in style
        assert not re.search(r"""(href|src)="(?!#)|url\((?!#)|<image|<script|<!DOCTYPE|@import""", picture.svg)
        # Black is what has no colour of its own; on a dark page nobody would see it.
        assert not re.findall(r"<text(?![^>]*fill: #)[^>]*>", drawing)


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_text_and_lines_stand_out_in_both_themes() -> None:
    paper, ink, soft, _, first, second = DARK
    for colour in (ink, soft, first, second):
        assert contrast(colour, paper) >= 4.5
        assert contrast(DARK[colour], DARK[paper]) >= 4.5


# What other runs write


@pytest.mark.parametrize(
    ("history", "titles"),
    [
        ({}, []),
        ({"seconds": [1.0]}, []),
        ({"loss": [0.4]}, ["Training loss is 0.400 after 1 epoch"]),
        ({"accuracy": [0.7, 0.9], "loss": []}, ["Training accuracy is 90.0% after 2 epochs"]),
        ({"val_accuracy": [0.7, 0.9]}, ["Validation accuracy is highest after epoch 2: 90.0%"]),
    ],
)
def test_a_history_may_lack_anything(history: dict[str, list[float]], titles: list[str]) -> None:
    assert [picture.title for picture in history_pictures(history)] == titles


@pytest.mark.parametrize("missing", ["accuracy", "confusion", "calibration", "by_length", "short_texts"])
def test_metrics_may_lack_anything(missing: str) -> None:
    metrics = {name: figures for name, figures in METRICS.items() if name != missing}
    assert set(drawn(metrics_pictures(metrics, LABELS))) == set(METRICS) - {missing, "accuracy"}


def perfect(metrics: dict[str, Any]) -> None:
    metrics["confusion"] = [[5, 0], [0, 5]]


def one_class(metrics: dict[str, Any]) -> None:
    metrics["confusion"] = [[0, 0], [3, 7]]


def one_bin(metrics: dict[str, Any]) -> None:
    metrics["calibration"], metrics["by_length"] = metrics["calibration"][:1], metrics["by_length"][:1]


def bare_sets(metrics: dict[str, Any]) -> None:
    metrics["short_texts"] = {"last two sentences": {"accuracy": 1.0, "reviews": 1}}


@pytest.mark.parametrize("change", [perfect, one_class, one_bin, bare_sets])
def test_figures_at_their_bounds_are_drawn(change: Callable[[dict[str, Any]], None]) -> None:
    metrics = copy.deepcopy(METRICS)
    change(metrics)
    assert len(metrics_pictures(metrics, ("부정", "긍정"))) == 4


@pytest.mark.parametrize(
    ("given", "positive", "begins"),
    [(0.9, 0.6, "Too sure of itself"), (0.9, 0.895, "As sure as it should be"), (0.6, 0.9, "Surer than it says")],
)
def test_a_reliability_diagram_says_to_which_side_it_is_off(given: float, positive: float, begins: str) -> None:
    bins = [{"reviews": 10, "mean_probability": given, "share_positive": positive}]
    assert metrics_pictures({"calibration": bins}, LABELS)[0].title.startswith(begins)


def test_a_cut_that_no_review_reaches_is_not_drawn() -> None:
    assert "the model reads 3,000" not in texts(length_picture(LENGTH | {"maxlen": 3_000}))


@pytest.mark.parametrize("report", REPORTS, ids=lambda path: f"{path.parents[1].name}-{path.name}")
def test_the_committed_pictures_are_those_of_the_committed_figures(report: Path) -> None:
    history, metrics, data = (
        json.loads((report / f"{name}.json").read_text()) if (report / f"{name}.json").exists() else {}
        for name in ("history", "metrics", "data")
    )
    pictures = [*history_pictures(history), *metrics_pictures(metrics, LABELS)]
    pictures += [length_picture(data["length"])] if data else []
    for picture in pictures:
        committed = ElementTree.parse(report / f"{picture.name}.svg").getroot()  # noqa: S314 - our own
        drawn_texts = ["".join(each.itertext()) for each in committed.iter("{http://www.w3.org/2000/svg}text")]
        assert drawn_texts == texts(picture)  # matplotlib's next version may draw the lines otherwise
    assert {path.stem for path in report.glob("*.svg")} == {picture.name for picture in pictures}
    assert not list(report.glob("*.png"))
