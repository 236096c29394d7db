"""Lessons of the page: the lecture's examples, window by window, and its network's epochs."""

import json
import re
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, expect

from service.api.page import FOLDER
from tests.service.conftest import MODELS_DIR
from tests.service.page.conftest import Visit, visiting
from tests.service.running import Running

LECTURE: dict[str, Any] = json.loads((FOLDER / "lecture.json").read_text())
EXAMPLES: dict[str, dict[str, Any]] = {example["name"]: example for example in LECTURE["examples"]}
OF_THE_LECTURE = {
    "conv2d": [["18", "0"], ["0", "18"]],
    "stride": [["7", "11"], ["23", "27"]],
    "channels": [["124", "67"], ["111", "62"]],
    "conv1d": [["9"] * 6],
    "maxpool2d": [["9", "2"], ["6", "3"]],
}
"""The numbers of `tests/training/lecture/test_examples.py`."""


@pytest.fixture(scope="module")
def visit(browser: Browser, service: Running) -> Iterator[Visit]:
    with visiting(browser, service) as visit:
        yield visit


@pytest.fixture
def korean(browser: Browser, service: Running) -> Iterator[Visit]:
    with visiting(browser, service, locale="ko-KR", viewport={"width": 360, "height": 640}) as visit:
        yield visit


def select(visit: Visit, **choices: str | int) -> None:
    for name, choice in choices.items():
        visit.page.locator(f"#lecture-{name}").select_option(str(choice))


def press(visit: Visit, name: str) -> None:
    visit.page.locator("#lecture-steps").get_by_role("button", name=name).click()


def last_step(visit: Visit) -> None:
    visit.page.locator("#lecture-steps input").press("End")


def output(visit: Visit) -> list[list[str]]:
    rows = visit.page.locator("#lecture-output tr").all()
    return [row.locator("td").all_inner_texts() for row in rows]


def in_keras(example: dict[str, Any], kind: str, size: int, stride: int, padding: str) -> NDArray[np.float32]:
    """The output of the layer that the page shows, float32[rows, columns]."""
    batch = np.asarray([example["input"]], np.float32)
    if kind == "convolution":
        kernel = np.asarray(example["filter"], np.float32)
        layer: Any = keras.layers.Conv2D(1, kernel.shape[:2], stride, padding, use_bias=False)
        layer.build(batch.shape)
        layer.set_weights([kernel[..., np.newaxis]])
    else:
        pool = keras.layers.MaxPooling2D if kind == "largest" else keras.layers.AveragePooling2D
        layer = pool(size, stride, padding)
    answer: NDArray[np.float32] = np.asarray(layer(batch))[0, ..., 0]
    return answer


@pytest.mark.parametrize("name", OF_THE_LECTURE)
def test_an_example_comes_to_the_lectures_numbers(visit: Visit, name: str) -> None:
    select(visit, example=name)
    last_step(visit)
    assert output(visit) == OF_THE_LECTURE[name]


SLIDE = """async (cases) => {
  const { slide } = await import("/page/convolution.js");
  return cases.map(({ input, operation, stride, padding }) => {
    const { rows, columns, steps } = slide(input, operation, stride, padding);
    return [[rows, columns], steps.map(({ result }) => result)];
  });
}"""
"""Results that the page computes of many examples."""


def test_every_stride_padding_and_pool_gives_what_keras_gives(visit: Visit) -> None:
    kinds = [(name, "convolution", 0) for name in OF_THE_LECTURE if name != "maxpool2d"]
    kinds += [("maxpool2d", kind, size) for kind in ("largest", "average") for size in (2, 3)]
    settings = [(kind, stride, padding) for kind in kinds for stride in (1, 2, 3) for padding in ("valid", "same")]
    cases = [
        {
            "input": EXAMPLES[name]["input"],
            "operation": {"kind": kind, "filter": EXAMPLES[name].get("filter"), "size": [size, size]},
            "stride": stride,
            "padding": padding,
        }
        for (name, kind, size), stride, padding in settings
    ]
    for ((name, kind, size), stride, padding), (shape, results) in zip(
        settings, visit.page.evaluate(SLIDE, cases), strict=True
    ):
        expected = in_keras(EXAMPLES[name], kind, size, stride, padding)
        assert tuple(shape) == expected.shape
        np.testing.assert_allclose(np.reshape(results, shape), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("example", "choices", "expected"),
    [
        ("stride", {"stride": 1}, [["7", "9", "11"], ["15", "17", "19"], ["23", "25", "27"]]),
        ("conv2d", {"padding": "same"}, [["18", "0", "9"], ["0", "18", "0"], ["9", "0", "9"]]),
        ("maxpool2d", {"pool": "average"}, [["3.75", "1.25"], ["3", "2"]]),
        ("maxpool2d", {"size": 3, "stride": 1}, [["9", "9"], ["9", "9"]]),
    ],
)
def test_what_is_changed_changes_the_output(
    visit: Visit, example: str, choices: dict[str, str | int], expected: list[list[str]]
) -> None:
    select(visit, example=example)
    visit.page.locator("#lecture-reset").click()
    select(visit, **choices)
    last_step(visit)
    assert output(visit) == expected


def test_a_changed_filter_changes_the_sum_and_the_output(visit: Visit) -> None:
    select(visit, example="conv2d")
    visit.page.locator("#lecture-reset").click()
    visit.page.get_by_label("Filter, row 1, column 2, channel 1").fill("-2.5")
    expect(visit.page.locator("#lecture-sum")).to_have_text(
        "Window 1 of 4, for row 1, column 1 of the output: 9 × 1 + 0 × (−2.5) + 0 × 0 + 9 × 1 = 18"
    )
    press(visit, "Next")
    expect(visit.page.locator("#lecture-sum")).to_contain_text("0 × 1 + 9 × (−2.5) + 9 × 0 + 0 × 1 = −22.5")
    assert output(visit) == [["18", "−22.5"], ["", ""]]
    visit.page.locator("#lecture-reset").click()
    last_step(visit)
    assert output(visit) == OF_THE_LECTURE["conv2d"]


def test_a_filter_that_is_being_typed_is_no_number_yet(visit: Visit) -> None:
    select(visit, example="conv1d")
    visit.page.get_by_label("Filter, row 1, column 1, channel 1").fill("")
    assert output(visit)[0][0] == "9"


def test_the_window_is_marked_where_it_lies(visit: Visit) -> None:
    select(visit, example="channels")
    press(visit, "Next")
    marked = [
        table.locator("td.window").all_inner_texts() for table in visit.page.locator("#lecture-input table").all()
    ]
    assert marked == [["1", "3", "8", "1"], ["0", "2", "8", "1"], ["2", "1", "3", "7"]]
    expect(visit.page.locator("#lecture-output td.window")).to_have_text("67")


def test_zeros_of_the_padding_are_shown_around_the_input(visit: Visit) -> None:
    select(visit, example="conv1d", padding="same")
    expect(visit.page.locator("#lecture-input td")).to_have_text([*"090909090900"])
    expect(visit.page.locator("#lecture-input td.added")).to_have_count(3)


def test_a_window_that_is_larger_than_the_input_fits_nowhere(visit: Visit) -> None:
    operation = {"kind": "largest", "size": [4, 4]}
    case = {"input": [[[1]]], "operation": operation, "stride": 1, "padding": "valid"}
    assert visit.page.evaluate(SLIDE, [case]) == [[[0, 0], []]]


def test_the_steps_are_walked_with_the_keyboard_and_read_out(visit: Visit) -> None:
    select(visit, example="stride")
    slider = visit.page.locator("#lecture-steps").get_by_role("slider", name="Step")
    slider.press("Home")
    for step, total in enumerate([7, 11, 23, 27], 1):
        expect(visit.page.get_by_role("status").filter(has_text=f"Window {step} of 4")).to_contain_text(f"= {total}")
        assert slider.get_attribute("aria-valuetext") == f"{step} of 4"
        slider.press("ArrowRight")
    expect(visit.page.locator("#lecture-sum")).to_have_attribute("aria-live", "polite")


def test_playing_goes_through_all_steps_and_is_not_read_out(visit: Visit) -> None:
    select(visit, example="maxpool2d")
    press(visit, "Play")
    expect(visit.page.locator("#lecture-sum")).to_contain_text("Window 2 of 4")
    expect(visit.page.locator("#lecture-sum")).to_have_attribute("aria-live", "off")
    expect(visit.page.locator("#lecture-sum")).to_contain_text("the largest of 2, 3, 1, 2 is 3")
    expect(visit.page.locator("#lecture-steps").get_by_role("button", name="Play")).to_be_visible()


def test_the_epochs_are_those_of_the_committed_run() -> None:
    history = json.loads((MODELS_DIR / "imdb-conv1d" / "reports" / "1" / "history.json").read_text())
    for name, values in LECTURE["epochs"].items():
        assert values == pytest.approx(history[name], abs=6e-6)


def test_over_fitting_is_pointed_at_where_the_test_loss_is_lowest(visit: Visit) -> None:
    expect(visit.page.locator("#epochs-why")).to_contain_text("Up to epoch 2")
    expect(visit.page.locator("#epochs-why")).to_contain_text("rises from 0.35 to 0.77")
    expect(visit.page.locator("#epochs-charts text.turn")).to_have_text(["over-fitting", "over-fitting"])
    visit.page.get_by_text("The numbers", exact=True).click()
    rows = visit.page.locator("#epochs-table tbody tr")
    expect(rows).to_have_count(15)
    expect(rows.nth(1).locator("th, td")).to_have_text(["2", "84.1%", "84.4%", "0.37", "0.35"])
    expect(visit.page.locator("#epochs-table tr.over")).to_have_count(13)


def test_all_of_it_is_there_in_korean_on_a_phone(korean: Visit) -> None:
    page = korean.page
    spoken = "#convolution :is(h2, .lede, dt, dd), #lecture-answer, #lecture-sum, #epochs-why"
    for place in page.locator(spoken).all():
        assert re.search("[가-힣]", place.inner_text()), place.inner_text()
    for name in EXAMPLES:
        select(korean, example=name, padding="same")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="English").click()
    expect(page.locator("#lecture-sum")).to_contain_text("Window 1 of")
    expect(page.locator("#lecture-padding")).to_have_value("same")  # what was chosen stays
