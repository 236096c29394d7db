"""For everybody: languages, themes, keyboards, screen readers, small screens."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.service.page.conftest import Visit, visiting
from tests.service.running import Running

HANGUL = re.compile("[가-힣]")


def show_everything(visit: Visit, folder: Path) -> None:
    """Has every part of the page on the screen."""
    page = visit.page
    page.locator("#examples button").nth(3).click()
    expect(page.locator("#words")).to_be_visible()
    reviews = folder / "reviews-with-a-long-name-that-has-no-place-to-break-it-anywhere-at-all.csv"
    reviews.write_text("id,text\n1,a great film\n2,the worst film\n3,\n4," + "x" * 400 + " bad\n")
    page.locator("#chosen").set_input_files(reviews)
    page.locator("#score").click()
    expect(page.locator("#result")).to_be_visible()


@pytest.fixture(params=["en-US", "ko-KR"])
def everywhere(request: pytest.FixtureRequest, browser: Browser, service: Running) -> Iterator[Visit]:
    with visiting(browser, service, locale=request.param) as visit:
        yield visit


# Languages


def test_the_language_is_the_browsers(browser: Browser, service: Running) -> None:
    for locale, language in [("ko-KR", "ko"), ("en-GB", "en"), ("fr-FR", "en")]:
        with visiting(browser, service, locale=locale) as visit:
            expect(visit.page.locator("h1")).not_to_be_empty()
            assert visit.page.locator("html").get_attribute("lang") == language
            assert bool(HANGUL.search(visit.page.locator("h1").inner_text())) is (language == "ko")


def test_a_language_that_is_chosen_is_spoken_everywhere_and_remembered(visit: Visit, tmp_path: Path) -> None:
    show_everything(visit, tmp_path)
    visit.page.get_by_role("button", name="한국어").click()
    spoken = "h1, h2, h3, .lede, .caption, #copy, .card .label, .card .note, .legend span, .figures dt, .steps > li > p"
    for place in visit.page.locator(spoken).all():
        if place.is_visible() and not place.locator("xpath=ancestor-or-self::*[@lang='en']").count():
            assert HANGUL.search(place.inner_text()), place.inner_text()
    visit.page.reload()
    expect(visit.page.get_by_role("button", name="한국어")).to_have_attribute("aria-pressed", "true")
    assert HANGUL.search(visit.page.title())


# Themes


def lightness(visit: Visit) -> int:
    colour = visit.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) // 3


@pytest.mark.parametrize(("scheme", "turned"), [("light", "Dark"), ("dark", "Light")])
def test_the_theme_is_the_systems_until_it_is_turned(
    browser: Browser, service: Running, scheme: str, turned: str
) -> None:
    with visiting(browser, service, color_scheme=scheme) as visit:
        theme = visit.page.locator("#theme")
        expect(theme).to_have_text(turned)
        assert (lightness(visit) < 100) is (scheme == "dark")
        theme.click()
        assert (lightness(visit) < 100) is (scheme == "light")
        visit.page.reload()
        expect(theme).not_to_have_text(turned)
        assert (lightness(visit) < 100) is (scheme == "light")
        theme.click()  # back: it follows the system again
        visit.page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
        assert (lightness(visit) < 100) is (scheme == "light")


# Keyboards and screen readers


def test_all_of_it_can_be_done_with_the_keyboard(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    (tmp_path / "reviews.txt").write_text("good\nbad\n")
    expect(page.locator("#examples button")).to_have_count(5)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # to the text, past the controls
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("a waste of time")
    expect(visit.label()).to_have_text("Negative")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the first example
    expect(visit.label()).to_have_text("Positive")
    reached = set()
    expect(page.locator("#words")).to_be_visible()
    page.locator("#chosen").set_input_files(tmp_path / "reviews.txt")  # what its dialog would give
    expect(page.locator("#score")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_be_visible()
    page.locator("#text").focus()
    for _ in range(40):
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
        page.keyboard.press("Tab")
    assert reached >= {"text", "example", "copy", "tinted", "chosen", "format", "score", "copy-file", "loud"}


def test_what_has_the_focus_is_seen_to_have_it(visit: Visit) -> None:
    for target in ("#text", "#theme", "#copy", "#drop"):
        place = visit.page.locator(target)
        visit.write("good")
        expect(visit.page.locator("#copy")).to_be_enabled()
        place.locator("input").focus() if target == "#drop" else place.focus()
        visit.page.keyboard.press("Shift")  # it is a keyboard
        expect(place).to_have_css("outline-style", "solid")
        expect(place).to_have_css("outline-width", "3px")


def test_a_screen_reader_hears_the_answer_once_the_text_rests(visit: Visit) -> None:
    visit.write("a waste of time")
    expect(visit.page.locator("#spoken")).to_contain_text("Negative; the probability of positive is ")
    assert visit.page.locator("#spoken").get_attribute("role") == "status"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_no_rule_of_accessibility_is_broken(
    browser: Browser, service: Running, tmp_path: Path, scheme: str, width: int
) -> None:
    with visiting(browser, service, color_scheme=scheme, viewport={"width": width, "height": 800}) as visit:
        show_everything(visit, tmp_path)
        found = Axe().run(visit.page)
        assert found.violations_count == 0, found.generate_report()


def test_whoever_wants_no_motion_gets_none(browser: Browser, service: Running) -> None:
    with visiting(browser, service, reduced_motion="reduce") as visit:
        visit.write("good")
        expect(visit.label()).to_have_text("Positive")
        motion = "getComputedStyle(document.querySelector('.scale'), '::after').transitionDuration"
        assert visit.page.evaluate(motion) == "0s"


# Small screens


def test_a_narrow_screen_need_not_be_scrolled_sideways(everywhere: Visit, tmp_path: Path) -> None:
    everywhere.page.set_viewport_size({"width": 360, "height": 640})
    show_everything(everywhere, tmp_path)
    everywhere.write("x" * 300 + " good " + "y" * 300)
    expect(everywhere.page.locator("#tinted")).to_contain_text("yyy")
    for width in (320, 360, 540, 768):
        everywhere.page.set_viewport_size({"width": width, "height": 640})
        assert everywhere.page.evaluate("document.documentElement.scrollWidth") <= width
