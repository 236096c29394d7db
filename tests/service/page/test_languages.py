"""The page over models of two languages."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.service.page.conftest import Visit, visiting
from tests.service.running import Running


@pytest.fixture
def korean(browser: Browser, two_languages_running: Running) -> Iterator[Visit]:
    with visiting(browser, two_languages_running, locale="ko-KR") as visit:
        yield visit


@pytest.fixture
def english(browser: Browser, two_languages_running: Running) -> Iterator[Visit]:
    permissions = ["clipboard-read", "clipboard-write"]
    with visiting(browser, two_languages_running, permissions=permissions) as visit:
        yield visit


def test_the_korean_page_opens_with_the_korean_model_and_its_examples(korean: Visit) -> None:
    page = korean.page
    expect(page.locator("#model")).to_have_value("small-korean/1")
    expect(page.locator("#model option")).to_have_text(["small, 버전 1", "small-korean, 버전 1"])
    expect(page.locator("#text-label")).to_have_text("한국어 리뷰")
    expect(page.locator("#text")).to_have_attribute("lang", "ko")
    expect(page.locator("#facts")).to_contain_text("글자 11개를 알고")
    page.locator("#examples button").first.click()
    expect(page.locator("#text")).to_have_value(
        "정말 재미있는 영화! 배우들 연기도 좋고 이야기도 따뜻해서 보는 내내 행복했어요."
    )
    expect(korean.label()).to_have_text("긍정")
    expect(page.locator(".card .note").first).to_contain_text("글자")


def test_the_english_page_opens_with_the_english_model(english: Visit) -> None:
    expect(english.page.locator("#model")).to_have_value("small/1")
    expect(english.page.locator("#compare")).to_have_value("")
    expect(english.page.locator("#text-label")).to_have_text("A review, in English")


def test_characters_are_shown_with_their_ids_and_words_with_what_they_do(korean: Visit) -> None:
    korean.write("좋다 뷁")
    tokens = korean.page.locator(".token")
    expect(tokens).to_have_text(["시작1", "␣3", "좋4", "다7", "␣3", "뷁2"])
    expect(korean.page.locator("#steps h3").first).to_have_text("글자가 숫자가 됩니다")
    expect(korean.page.locator("#tinted .word")).to_have_text(["좋다", "뷁"])


def test_the_model_follows_the_language_while_the_field_is_empty_or_holds_an_example(english: Visit) -> None:
    page = english.page
    page.locator("#examples button").nth(1).click()
    page.locator("[data-language=ko]").click()
    expect(page.locator("#model")).to_have_value("small-korean/1")
    expect(page.locator("#text")).to_have_value("시간이 아깝다. 내용도 없고 연기도 엉망이고, 돈 주고 볼 영화는 아니다.")
    page.locator("#text").fill("")
    page.locator("[data-language=en]").click()
    expect(page.locator("#model")).to_have_value("small/1")


def test_a_text_of_ones_own_keeps_its_model_and_so_does_a_choice(english: Visit) -> None:
    page = english.page
    english.write("a good film")
    page.locator("[data-language=ko]").click()
    expect(page.locator("#model")).to_have_value("small/1")
    expect(page.locator("#text")).to_have_value("a good film")
    page.locator("#model").select_option("small-korean/1")
    page.locator("#text").fill("")
    page.locator("[data-language=en]").click()
    expect(page.locator("#model")).to_have_value("small-korean/1")
    expect(page.locator("#text-label")).to_have_text("A review, in Korean")


def test_the_copied_command_names_the_model_where_there_are_several_languages(english: Visit) -> None:
    english.write("good")
    english.page.locator("#copy").click()
    expect(english.page.locator("#copied")).not_to_be_empty()
    command = english.page.evaluate("navigator.clipboard.readText()")
    assert "/predict?model=small&version=1'" in command


def test_a_text_in_another_script_offers_the_model_that_reads_it(english: Visit) -> None:
    page = english.page
    english.write("good film")
    expect(english.label()).to_have_text("Positive")
    expect(page.locator("#offer")).to_be_empty()
    english.write("정말 좋은 영화, I loved it")
    button = page.locator("#offer").get_by_role("button", name="Ask small-korean, version 1")
    button.click()
    expect(page.locator("#model")).to_have_value("small-korean/1")
    expect(page.locator("#offer")).to_be_empty()
    expect(page.locator("#text")).to_be_focused()
    english.write("a good film again")
    expect(page.locator("#offer").get_by_role("button")).to_have_text("Ask small, version 1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("좋다 좋다", "띄어쓰기를 모두 없애도 답은 같습니다: 긍정"),
        ("나 나 나 나 나 좋 좋", "띄어쓰기를 모두 없애면 답이 달라집니다: 긍정"),
    ],
)
def test_of_a_korean_text_it_is_said_what_its_spaces_matter(korean: Visit, text: str, said: str) -> None:
    korean.write(text)
    expect(korean.page.locator("#spacing")).to_contain_text(said)
    bare = httpx.post(f"{korean.address}/predict?model=small-korean", json={"text": text.replace(" ", "")}).json()
    expect(korean.page.locator("#spacing")).to_contain_text(f"{bare['probability']:.1%}".replace(".0%", "%"))
    korean.write("좋다")
    expect(korean.page.locator("#spacing")).to_be_hidden()


def test_of_a_text_that_is_read_by_words_nothing_is_said_of_spaces(english: Visit) -> None:
    english.write("good bad good")
    expect(english.page.locator("#tinted .word").first).to_be_visible()
    expect(english.page.locator("#spacing")).to_be_hidden()
