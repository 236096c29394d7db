"""A run as a page: that everything of it is there, and nothing from elsewhere is needed."""

import base64
import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from service.errors import BundleError
from tests.browser import chromium
from tests.service.conftest import MODELS_DIR
from tests.training.report.test_plots import HISTORY, LENGTH, METRICS
from tests.training.test_run import training
from training.errors import RunError
from training.report.page import report_page
from training.report.record import RunRecord, read_record, run_pictures

REPORT = MODELS_DIR / "imdb-conv1d/reports/1"


class Reader(HTMLParser):
    """What somebody gets of a page: its text, cell by cell, and its pictures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.attributes: list[dict[str, str | None]] = []
        self.pictures: dict[str, str] = {}
        self.headings: list[str] = []
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.attributes.append(attributes)
        if tag == "img":
            alt, source = attributes["alt"], attributes["src"]
            assert alt
            assert source
            self.pictures[alt] = base64.b64decode(source.removeprefix("data:image/svg+xml;base64,")).decode()
            return
        self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["h2"]:
            self.headings.append(data)
        if self._open[-1:] in (["td"], ["th"]):
            self.rows[-1][-1] += data


def page_of(record: RunRecord) -> str:
    return report_page(record, run_pictures(record))


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(read_record(REPORT))


def test_the_report_of_the_committed_model_is_whole(page: str) -> None:
    read = Reader(page)
    assert read.headings == ["Curves", "Quality", "Precision", "Data", "Network", "Recipe", "Library versions"]
    assert set(read.pictures.values()) == {picture.svg for picture in run_pictures(read_record(REPORT))}
    assert len(read.pictures) == 6
    assert "<h1>Training run of imdb-conv1d/1</h1>" in page
    for row in (
        ["accuracy", "0.8459", "share of right answers"],
        ["negative", "10,266", "2,234"],
        ["over 1,000", "76.9%", "52"],
        ["0.5%", "9.1%", "10,034"],
        ["int8", "84.52%", "99.67%", "2.3e-01"],
        ["reviews to train", "25,000"],
        ["conv1_1", "Conv1D", "296 × 64", "32,064"],
        ["num_words", "500"],
        ["tensorflow", "2.21.0"],
    ):
        assert row in read.rows
    history = json.loads((REPORT / "history.json").read_text())
    header = next(row for row in read.rows if row[0] == "epoch")
    assert header == ["epoch", *(name.replace("_", " ") for name in history)]
    assert ["15", "0.9812", "0.0521", "0.8459", "0.7729", "82.1"] in read.rows


def test_the_page_asks_nobody_for_anything(page: str) -> None:
    read = Reader(page)
    assert "http:" not in page.replace("http-equiv", "")
    assert "https:" not in page
    assert "<script" not in page
    assert not re.search(r"@import|url\(|<link", page)
    for attributes in read.attributes:
        assert (attributes.get("src") or "data:").startswith("data:")
        assert (attributes.get("href") or "#").startswith("#")
    for picture in read.pictures.values():
        # What names a vocabulary is not asked for.
        assert not re.search("https?:", re.sub(r'xmlns(:\w+)?="[^"]*"', "", picture))


def test_what_a_run_wrote_cannot_become_markup() -> None:
    record = RunRecord(
        {"accuracy": 0.5, "reviews": 2}, recipe={"model_name": "<b>", "model_version": 1, "note": "a&b<i>"}
    )
    page = page_of(record)
    assert "<b>" not in page
    assert "a&amp;b&lt;i&gt;" in page


def test_a_run_of_another_kind_shows_what_it_has() -> None:
    short_texts = METRICS["short_texts"]
    shown = Reader(page_of(RunRecord({"accuracy": 0.9, "short_texts": short_texts}, {"loss": [0.4]})))
    assert shown.headings == ["Curves", "Quality"]
    assert list(shown.pictures) == [
        "Training loss is 0.400 after 1 epoch",
        "With one sentence of a review it gets 63.0% right, instead of 90.0% of whole reviews",
    ]
    assert ["one sentence", "63.0%", "71.0%", "0.200", "4,321"] in shown.rows
    assert Reader(page_of(RunRecord({}))).headings == []


def test_speed_is_shown_of_the_model_that_was_measured(tmp_path: Path) -> None:
    rates = {"fixed length": 1_751.2, "float32": 2_963.0}
    bench = tmp_path / "bench.json"
    found = {"machine": "an abacus", "model": "imdb-conv1d/1", "in_process": {"full reviews, 1 threads": rates}}
    record = read_record(REPORT)
    bench.write_text(json.dumps(found))
    page = report_page(record, [], bench)
    rows = Reader(page).rows
    assert ["reference", "84.59%", "", "4.0e-06", "1,751"] in rows
    assert ["int8", "84.52%", "99.67%", "2.3e-01", ""] in rows
    assert "speed on an abacus" in page
    bench.write_text(json.dumps(found | {"model": "imdb-conv1d/2"}))
    assert ["reference", "84.59%", "", "4.0e-06"] in Reader(report_page(record, [], bench)).rows
    for broken in ("{", "[]", '{"model": "imdb-conv1d/1"}'):
        bench.write_text(broken)
        with pytest.raises(RunError, match="is not what `make bench` writes"):
            report_page(record, [], bench)


# The command


def test_the_command_makes_the_page_and_draws_the_pictures_where_they_are_asked_for(tmp_path: Path) -> None:
    report = tmp_path / "reports" / "1"
    report.mkdir(parents=True)
    for name in ("history.json", "metrics.json", "data.json"):
        shutil.copy(REPORT / name, report)
    made = training("report", "--run-dir", report, "--bench", tmp_path / "none")
    assert (made.code, made.stdout, made.stderr) == (0, f"Written to {report / 'report.html'}\n", "")
    assert not list(report.glob("*.svg"))
    assert training("report", "--run-dir", report, "--pictures", "--output", tmp_path / "new/page.html").code == 0
    for picture in run_pictures(read_record(REPORT)):
        assert (report / f"{picture.name}.svg").read_text() == picture.svg
    assert (tmp_path / "new/page.html").read_text() == (report / "report.html").read_text()


def test_without_a_run_the_message_says_where_there_is_one(tmp_path: Path) -> None:
    refused = training("report", "--run-dir", tmp_path)
    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"error: {tmp_path} holds no finished run, metrics.json is missing: name the folder of one with --run-dir, "
        "such as models/imdb-conv1d/reports/1, or finish it with --resume.\n"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("metrics.json", "{", "cannot be read"), ("history.json", "[1]", "holds no JSON object")],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / "metrics.json").write_text("{}")
    (tmp_path / name).write_text(content)
    with pytest.raises(RunError, match=f"{name} {message}"):
        read_record(tmp_path)


def test_a_bundle_that_does_not_check_out_is_not_shown(tmp_path: Path) -> None:
    shutil.copytree(MODELS_DIR / "imdb-conv1d", tmp_path / "imdb-conv1d")
    (tmp_path / "imdb-conv1d/1/vocabulary.txt").write_text("other\n")
    with pytest.raises(BundleError, match="vocabulary"):
        read_record(tmp_path / "imdb-conv1d/reports/1")


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_can_be_read_by_everybody(
    browser: Browser, tmp_path: Path, page: str, scheme: str, width: int
) -> None:
    (tmp_path / "page.html").write_text(page)
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light", offline=True)
    try:
        shown = context.new_page()
        requests: list[str] = []
        complaints: list[str] = []
        shown.on("request", lambda request: requests.append(request.url))
        shown.on("console", lambda message: complaints.append(message.text))
        shown.set_viewport_size({"width": width, "height": 800})
        shown.goto((tmp_path / "page.html").as_uri())
        for summary in shown.locator("summary").all():
            summary.click()
        assert shown.locator("table:visible").count() == 10
        assert shown.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 300)")
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert requests == [(tmp_path / "page.html").as_uri()]
        assert complaints == []
        found = Axe().run(shown)
        assert found.violations_count == 0, found.generate_report()
        # A picture is as dark as its page.
        corner = """async source => {
            const image = new Image(); image.src = source; await image.decode();
            const context = new OffscreenCanvas(9, 9).getContext("2d");
            context.drawImage(image, 0, 0); return [...context.getImageData(1, 1, 1, 1).data.slice(0, 3)];
        }"""
        colour = shown.evaluate(corner, shown.locator("img").first.get_attribute("src"))
        background = shown.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert background == f"rgb({', '.join(map(str, colour))})"
        assert (sum(colour) < 100) is (scheme == "dark")
    finally:
        context.close()


def test_all_figures_that_there_may_be_stand_on_one_page() -> None:
    record = RunRecord(METRICS, HISTORY, {"length": LENGTH | {"mean": 1.0}})
    assert len(Reader(page_of(record)).pictures) == 7
