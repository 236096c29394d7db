"""One text: typed, answered, explained, copied."""

import json
import os
import subprocess
import threading
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.service.page.conftest import SECONDS, Visit, visiting
from tests.service.running import Running, running

TEXT = "I loved every minute of it."


def predicted(service: Running, text: str) -> Any:
    return httpx.post(f"{service.address}/predict", json={"text": text}).json()


def written(probability: float) -> str:
    """As the page writes a probability in English."""
    if not 0.001 <= probability <= 0.999:
        return "> 99.9%" if probability > 0.5 else "< 0.1%"
    return f"{probability:.1%}".replace(".0%", "%")


# Typing


def test_what_is_typed_gets_the_services_answer(visit: Visit, service: Running) -> None:
    text = "The first half is great but the ending is so bad"
    visit.page.locator("#text").press_sequentially(text)
    answer = predicted(service, text)
    expect(visit.share()).to_have_text(written(answer["probability"]))
    expect(visit.label()).to_have_text(answer["label"].capitalize())
    expect(visit.page.locator(".card .note").first).to_have_text("11 words, of which the model knows 11.")


def test_typing_asks_when_it_pauses_and_not_at_every_key(visit: Visit) -> None:
    visit.page.locator("#text").press_sequentially("good " * 12, delay=5)
    expect(visit.label()).to_have_text("Positive")
    assert visit.paths().count("/predict") < 12


def test_an_answer_that_comes_too_late_is_not_shown(visit: Visit) -> None:
    held: list[Route] = []
    later = threading.Event()

    def hold_the_first(route: Route) -> None:
        if not held:
            held.append(route)
            later.set()
        else:
            route.continue_()

    visit.page.route("**/predict*", hold_the_first)
    visit.write("awful, a waste")
    for _ in range(SECONDS * 50):
        visit.page.wait_for_timeout(20)  # lets the handler run
        if later.is_set():
            break
    assert held
    with visit.page.expect_event("requestfailed") as given_up:
        visit.write(TEXT)
    assert json.loads(given_up.value.post_data or "")["text"] == "awful, a waste"
    expect(visit.label()).to_have_text("Positive")


def test_an_emptied_field_has_no_answer(visit: Visit) -> None:
    visit.write(TEXT)
    expect(visit.label()).to_have_text("Positive")
    expect(visit.page.locator("#words")).to_be_visible()
    visit.write("  ")
    expect(visit.label()).to_have_text("No text yet")
    expect(visit.page.locator("#words")).to_be_hidden()
    expect(visit.page.locator("#copy")).to_be_disabled()


def test_every_example_gets_an_answer(visit: Visit, service: Running) -> None:
    examples = visit.page.locator("#examples button")
    expect(examples).to_have_count(5)
    for position in range(5):
        examples.nth(position).click()
        text = visit.page.locator("#text").input_value()
        expect(visit.share()).to_have_text(written(predicted(service, text)["probability"]))


def test_markup_in_a_text_is_text(visit: Visit) -> None:
    visit.write("good <img src=x onerror=alert(1)> <script>alert(2)</script> film")
    expect(visit.page.locator("#tinted")).to_contain_text("<img src=x onerror=alert(1)>")
    assert visit.page.locator("#tinted img, #tinted script").count() == 0


# Words


def test_words_are_tinted_as_they_push_and_unknown_ones_struck_through(visit: Visit, service: Running) -> None:
    text = "A great film 😀 by Zorblatt, but a bad ending."
    visit.write(text)
    expect(visit.page.locator("#tinted")).to_have_text(text)
    words = httpx.post(f"{service.address}/explain", json={"text": text}).json()["words"]
    shown = visit.page.locator("#tinted .word").all()
    assert [word.inner_text() for word in shown] == [word["word"] for word in words]
    for place, word in zip(shown, words, strict=True):
        assert ("unknown" in (place.get_attribute("class") or "")) is not word["known"]
        if abs(word["contribution"]) > 0.5:
            side = "positive" if word["contribution"] > 0 else "negative"
            expect(place).to_have_attribute("data-push", side)
    unknown = visit.page.locator("#tinted .unknown", has_text="Zorblatt")
    expect(unknown).to_have_css("text-decoration-line", "underline line-through")
    assert {place.get_attribute("data-push") for place in shown} >= {"positive", "negative"}


def test_what_is_cut_off_is_grey(visit: Visit) -> None:
    visit.write("beginning " + "and " * 999 + "end")
    expect(visit.page.locator("#tinted .cut")).to_have_text("beginning")
    expect(visit.page.locator(".card .note").first).to_contain_text("longer than the 1,000")


def test_the_arrow_keys_read_out_word_after_word(visit: Visit) -> None:
    visit.write("good film")
    expect(visit.page.locator("#tinted .word")).to_have_count(2)
    visit.page.locator("#tinted").focus()
    reading = visit.page.locator("#reading")
    for key, word in [("ArrowRight", "good"), ("ArrowRight", "film"), ("ArrowLeft", "good")]:
        visit.page.keyboard.press(key)
        expect(reading).to_contain_text(f"{word}: ")


def test_a_text_with_too_many_words_to_explain_says_so(visit: Visit) -> None:
    visit.expects_problems = True
    visit.write("excellent " * 2001)
    expect(visit.label()).to_have_text("Positive")
    expect(visit.page.locator("#unexplained")).to_contain_text("2,001 words")
    expect(visit.page.locator("#tinted")).to_be_hidden()


# The network


@pytest.mark.parametrize(
    ("version", "of_the_sequence", "heads"),
    [(1, "fills {used} of them", []), (3, "This one has {used}.", ["Deep path", "Wide path", "Both together"])],
)
def test_the_way_through_the_network_is_that_of_the_service(
    visit: Visit, service: Running, version: int, of_the_sequence: str, heads: list[str]
) -> None:
    text = "A great film by Zorblatt, but a bad ending."
    visit.page.locator("#model").select_option(f"imdb-conv1d/{version}")
    visit.write(text)
    inside = httpx.post(f"{service.address}/layers?version={version}", json={"text": text}).json()
    journey = visit.page.locator("#journey")
    expect(journey.locator(".steps > li")).to_have_count(5)
    ids = [token["id"] for token in inside["tokens"]]
    expect(journey.locator(".token .id")).to_have_text(["–" if number is None else str(number) for number in ids])
    expect(journey.locator(".token.unknown")).to_have_count(sum(not token["known"] for token in inside["tokens"]))
    expect(journey).to_contain_text(of_the_sequence.format(used=inside["sequence"]["used"]))
    shapes = [" × ".join(f"{size:,}" for size in layer["output_shape"]) for layer in inside["layers"]]
    expect(journey.locator(".layers td.value:not(.parameters)")).to_have_text(shapes)
    runs = [" ".join(word or "·" for word in match["words"]) for match in inside["filters"]]
    expect(journey.locator("td.ngram")).to_have_text(runs)
    expect(journey.locator(".outcome")).to_contain_text(written(inside["prediction"]["probability"]))
    expect(journey.locator(".path")).to_have_text(heads)


def test_convolutions_in_a_row_and_side_by_side_are_told_apart(visit: Visit) -> None:
    visit.write(TEXT)
    steps = visit.page.locator("#steps")
    for version, layers, widths in [
        (1, "Layer after layer, shorter and deeper", "answers to a run of 5 words"),
        (3, "Two paths side by side", "answers to a run of 1, 2, 3, or 5 words"),
    ]:
        visit.page.locator("#model").select_option(f"imdb-conv1d/{version}")
        expect(steps).to_contain_text(layers)
        expect(steps).to_contain_text(widths)


def test_every_kind_of_layer_is_explained_in_both_languages(service: Running) -> None:
    texts = httpx.get(f"{service.address}/page/texts.json").json()
    for version in (1, 3):
        inside = httpx.post(f"{service.address}/layers?version={version}", json={"text": TEXT}).json()
        for layer in inside["layers"]:
            if layer["kernel_size"] is None:
                for language in texts.values():
                    assert language[f"layer.does.{layer['kind']}"]


def test_a_long_text_is_said_to_be_cut(visit: Visit) -> None:
    visit.write("and " * 1_100)
    expect(visit.page.locator("#steps")).to_contain_text("This text has 101 more than that")


def test_a_model_that_does_not_describe_its_layers_leaves_that_part_out(
    browser: Browser, two_versions: Running
) -> None:
    with visiting(browser, two_versions) as visit:
        visit.write("good")
        expect(visit.page.locator("#words")).to_be_visible()
        expect(visit.page.locator("#journey")).to_be_hidden()
        assert "/layers" not in visit.paths()


# Models


def test_two_versions_answer_side_by_side(browser: Browser, two_versions: Running) -> None:
    with visiting(browser, two_versions) as visit:
        visit.write("good film")
        expect(visit.page.locator(".card-name")).to_have_text(["small, version 2", "small, version 1"])
        expect(visit.share(0)).to_have_text(written(0.8807971))  # sigmoid(2)
        expect(visit.share(1)).to_have_text(written(0.2689414))  # sigmoid(2 - 3)
        visit.page.locator("#compare").select_option("")
        expect(visit.page.locator(".card")).to_have_count(1)
        visit.page.locator("#model").select_option("small/1")
        expect(visit.share()).to_have_text(written(0.2689414))


def test_one_model_needs_no_choice(visit: Visit) -> None:
    expect(visit.label()).to_be_visible()
    versions = httpx.get(f"{visit.address}/models").json()["models"]
    expect(visit.page.locator("#models")).to_be_visible(visible=len(versions) > 1)


# Problems


def test_a_problem_is_said_in_plain_words(browser: Browser, two_versions: Running) -> None:
    with visiting(browser, two_versions) as visit:
        visit.expects_problems = True
        visit.write("a" * 100_001)
        problem = visit.page.get_by_role("alert").first
        expect(problem).to_have_text("The text has 100,001 characters; at most 100,000 are read.")
        visit.page.get_by_text("한국어").click()
        visit.write("a" * 100_002)
        expect(problem).to_contain_text("글이 너무 깁니다")
        visit.write("good")
        expect(problem).to_be_hidden()


def test_a_service_that_is_gone_is_said_to_be(visit: Visit) -> None:
    visit.expects_problems = True
    visit.page.route("**/predict*", lambda route: route.abort())
    visit.write(TEXT)
    expect(visit.page.locator("#problem")).to_have_text("The service cannot be reached. Is it running?")


# Keys


def test_a_key_is_asked_for_once_and_stays_in_the_tab(browser: Browser) -> None:
    with (
        running("--workers", "1", SENTIMENT_API_KEYS="the-key") as service,
        visiting(browser, service, permissions=["clipboard-read", "clipboard-write"]) as visit,
    ):
        visit.expects_problems = True
        for key in ("wrong", "the-key"):
            visit.page.get_by_label("Key", exact=True).fill(key)
            visit.page.get_by_role("button", name="Use it").click()
        visit.write(TEXT)
        expect(visit.label()).to_have_text("Positive")
        visit.page.reload()
        visit.write(TEXT)
        expect(visit.label()).to_have_text("Positive")
        command = copied_command(visit.page)
        assert "the-key" not in command
        assert run(command, API_KEY="the-key") == predicted_with_key(service)
        assert visit.page.evaluate("JSON.stringify(localStorage)") == "{}"
        visit.page.get_by_role("button", name="Forget the key").click()
        visit.page.reload()
        expect(visit.page.locator("#key-dialog")).to_be_visible()


def predicted_with_key(service: Running) -> Any:
    headers = {"Authorization": "Bearer the-key"}
    return httpx.post(f"{service.address}/predict", json={"text": TEXT}, headers=headers).json()


# The command


def copied_command(page: Page) -> str:
    page.locator("#copy").click()
    expect(page.locator("#copied")).to_have_text("Copied")
    return str(page.evaluate("navigator.clipboard.readText()"))


def run(command: str, **environment: str) -> Any:
    bash = ["bash", "-euo", "pipefail", "-c", command]
    done = subprocess.run(bash, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    return json.loads(done.stdout)


AWKWARD = [
    TEXT,
    "It's not 'bad', don’t \"worry\"",
    "line one\nline two\n\n\ttabbed",
    "$(touch owned) `touch owned` $HOME \\ \\n %s !! !x *",
    "좋은 영화 😀 é",
    "'; exit 3; '",
    "-d @/etc/passwd",
]


@pytest.mark.parametrize("text", AWKWARD)
def test_the_copied_command_asks_the_same_question(visit: Visit, service: Running, text: str) -> None:
    visit.write(text)
    expect(visit.page.locator("#copy")).to_be_enabled()
    assert run(copied_command(visit.page)) == predicted(service, text)


def test_the_copied_command_names_the_version_that_was_chosen(browser: Browser, two_versions: Running) -> None:
    with visiting(browser, two_versions, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.page.locator("#model").select_option("small/1")
        visit.write("good")
        expect(visit.label()).to_have_text("Negative")
        assert run(copied_command(visit.page))["model"] == {"name": "small", "version": 1}


def test_without_a_clipboard_the_command_is_copied_the_old_way(visit: Visit) -> None:
    visit.page.add_init_script("delete Navigator.prototype.clipboard")
    visit.page.reload()
    visit.write(TEXT)
    expect(visit.label()).to_have_text("Positive")
    visit.page.locator("#copy").click()
    expect(visit.page.locator("#copied")).to_have_text("Copied")
    visit.page.locator("#text").fill("")
    visit.page.locator("#text").press("Control+V")
    assert visit.page.locator("#text").input_value().startswith("curl -sS 'http://")
