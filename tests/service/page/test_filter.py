"""A filter of the model over the text."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.service.page.conftest import Visit, visiting
from tests.service.running import Running

TEXT = "I loved every minute of it."


@pytest.fixture(scope="module")
def visit(browser: Browser, service: Running) -> Iterator[Visit]:
    with visiting(browser, service) as visit:
        visit.page.locator("#model").select_option("imdb-conv1d/1")
        visit.write(TEXT)
        expect(visit.page.locator("#filter-window tbody tr")).to_have_count(5)
        yield visit


def decimals(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def test_the_strongest_filter_is_shown_at_its_strongest_place(visit: Visit, service: Running) -> None:
    inside = httpx.post(f"{service.address}/layers?version=1", json={"text": TEXT}).json()
    ref = {"layer": "conv1_1", "number": inside["filters"][0]["filter"]}
    trace = httpx.post(f"{service.address}/layers?version=1", json={"text": TEXT, "filter": ref}).json()["filter"]
    page = visit.page
    expect(page.locator("#filter-number option").first).to_have_text(f"No. {ref['number']} of conv1_1")
    expect(page.locator("#filter-number option")).to_have_count(len(inside["filters"]))
    along = [word or "start" for word in (token["word"] for token in inside["tokens"])]
    expect(page.locator("#filter-along .along")).to_have_text(along)
    expect(page.locator("#filter-along .id")).to_have_text([decimals(value) for value in trace["activations"]])
    strongest = max(trace["activations"])
    at = trace["activations"].index(strongest)
    run = [*along, *["padding"] * trace["width"]][at : at + trace["width"]]
    expect(page.locator("#filter-window th[scope=row]")).to_have_text(run)
    sums = [
        sum(value * weight for value, weight in zip(vector, weights, strict=True))
        for vector, weights in zip(trace["vectors"][at : at + trace["width"]], trace["weights"], strict=True)
    ]
    expect(page.locator("#filter-window td.value")).to_have_text([decimals(value) for value in sums])
    expect(page.locator("#filter-sum")).to_contain_text(f"after relu {decimals(strongest)}.")
    expect(page.locator("#filter-window svg").first.locator("rect")).to_have_count(100)


def test_the_filter_is_moved_along_the_text_by_keyboard(visit: Visit) -> None:
    slider = visit.page.locator("#filter-steps").get_by_role("slider", name="Step")
    slider.press("Home")
    for first in ("start", "I", "loved"):
        expect(visit.page.locator("#filter-along .window .along").first).to_have_text(first)
        slider.press("ArrowRight")
    slider.press("End")
    expect(visit.page.locator("#filter-window th[scope=row]")).to_have_text(["it", *["padding"] * 4])


def test_another_filter_has_other_weights(visit: Visit) -> None:
    products = visit.page.locator("#filter-window td.value")
    before = products.all_inner_texts()
    visit.page.locator("#filter-number").select_option(index=1)
    expect(products.first).not_to_have_text(before[0])


def test_without_a_text_there_is_no_filter(visit: Visit) -> None:
    visit.write("")
    expect(visit.page.locator("#filter")).to_be_hidden()
