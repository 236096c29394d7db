"""Labels of versions beside the choice of a model, and the panel of how the versions do."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from service.monitoring.drift import ENOUGH_TEXTS
from tests.service.conftest import write_small_bundle
from tests.service.monitoring.drifting import histograms_of_good_texts
from tests.service.page.conftest import Visit, visiting
from tests.service.running import Running, running, until

ROOT = Path(__file__).parents[3]
EVEN = ["good", "bad"] * (ENOUGH_TEXTS // 2)
POLL_MILLISECONDS = 10_000
LABELS = {"stable": 1, "next": 2}
DIVIDED = {"labels": LABELS, "serve": {"stable": 95, "next": 5}, "shadow": {"version": "next", "share": 1.0}}


def write_versions(folder: Path, **rollout: Any) -> Path:
    """Two versions that differ on "good", with reference histograms; returns the folder of the models."""
    for version in (1, 2):
        bundle = write_small_bundle(folder / "models", version, bias=-3.0 * (version == 2))
        bundle.change_manifest(histograms=histograms_of_good_texts())
    roll_out(folder / "models", **rollout)
    return folder / "models"


def roll_out(models_dir: Path, **rollout: Any) -> None:
    path = models_dir / "small" / "rollout.json"
    path.with_suffix(".new").write_text(json.dumps(rollout))
    os.replace(path.with_suffix(".new"), path)


def serving(models_dir: Path, *flags: str, **environment: str) -> Any:
    return running("--models-dir", str(models_dir), "--model", "small", "--workers", "1", *flags, **environment)


def told(service: Running, part: str) -> dict[str, Any]:
    return dict(httpx.get(f"{service.address}/models/small/{part}").json())


def have_read(service: Running, texts: list[str]) -> None:
    """Has version 1 answer, and its shadow read, what it can."""
    before = told(service, "shadow")
    httpx.post(f"{service.address}/predict?version=1", json={"texts": texts}).raise_for_status()

    def compared() -> bool:
        now = told(service, "shadow")
        return bool(now["texts"] + now["dropped"] >= (before["texts"] or 0) + (before["dropped"] or 0) + len(texts))

    until(compared, seconds=60)  # a shadow waits while the machine is busy


def divide(service: Running, models_dir: Path) -> None:
    roll_out(models_dir, **DIVIDED)
    until(lambda: told(service, "rollout")["labels"] == LABELS)


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A split with a shadow, texts like the reference, and true labels."""
    folder = tmp_path_factory.mktemp("divided")
    models_dir = write_versions(folder, serve=1)
    with serving(models_dir, "--feedback-file", str(folder / "feedback.db")) as service:
        httpx.post(f"{service.address}/predict", json={"texts": EVEN}).raise_for_status()
        divide(service, models_dir)
        have_read(service, EVEN[:60])
        for version, label in [(1, "positive"), (1, "positive"), (2, "positive")]:
            body = {"text": "good", "label": label}
            httpx.post(f"{service.address}/feedback?version={version}", json=body).raise_for_status()
        yield service


@pytest.fixture
def visit(browser: Browser, divided: Running) -> Iterator[Visit]:
    with visiting(browser, divided, permissions=["clipboard-read", "clipboard-write"]) as visit:
        yield visit


def opened(visit: Visit) -> Any:
    """The panel, opened."""
    visit.page.locator("#monitoring summary").click()
    return visit.page.locator("#monitored")


def answer_with(page: Page, part: str, body: object = None, status: int = 200) -> None:
    """Has a part of the service's answers replaced from now on."""

    def answer(route: Route) -> None:
        route.fulfill(status=status, json=body if status == 200 else {"type": "/problems/x", "detail": ""})

    page.route(f"**/models/small/{part}", answer)


def percent(share: float) -> str:
    return f"{share:.1%}".replace(".0%", "%")


def hundredfold(share: float) -> str:
    return percent(share).removesuffix("%")


def shadow_texts(shadow: dict[str, Any]) -> list[str]:
    """List the sentences of the panel about a shadow."""
    low, high = map(percent, shadow["flip_share_interval"])
    return [
        f"{percent(shadow['flip_share'])} of the texts get another label (95% interval {low} to {high}).",
        f"Of 100 texts, version 2 labels about {hundredfold(shadow['flip_share'])} otherwise than version 1.",
        f"The probabilities are {hundredfold(shadow['mean_difference'])} percentage points apart on average.",
        f"{shadow['texts']:,} texts compared.",
    ]


# Labels


def test_labels_and_shares_stand_beside_the_choice(visit: Visit) -> None:
    expect(visit.page.locator("#rollout")).to_have_text(
        "version 1 (stable): 95% of the requests · version 2 (next): 5% of the requests"
    )
    expect(visit.page.locator("#model optgroup")).to_have_count(2)
    expect(visit.page.locator("#model option")).to_have_text(
        [
            "small, version 1, stable",
            "small, version 2, next",
            "small, stable (version 1)",
            "small, next (version 2)",
        ]
    )


def test_the_served_version_is_said_also_without_a_split(visit: Visit, divided: Running) -> None:
    models = httpx.get(f"{divided.address}/models").json()
    for model in models["models"]:
        model["share"] = float(model["version"] == 1)
    visit.page.route("**/models", lambda route: route.fulfill(json=models))
    visit.page.reload()
    expect(visit.page.locator("#rollout")).to_have_text(
        "version 1 (stable): every request · version 2 (next): when asked for"
    )


def test_without_labels_and_split_nothing_is_said_of_them(browser: Browser, two_versions: Running) -> None:
    with visiting(browser, two_versions) as visit:
        expect(visit.page.locator("#rollout")).to_be_hidden()
        expect(visit.page.locator("#model optgroup")).to_have_count(0)
        expect(visit.page.locator("#versions")).to_be_hidden()
        assert "/models/small/feedback" not in visit.paths()


def test_a_label_is_chosen_like_a_version(visit: Visit) -> None:
    visit.page.locator("#model").select_option("small/next")
    visit.page.locator("#compare").select_option("small/stable")
    visit.write("good")
    expect(visit.page.locator(".card-name")).to_have_text(["small, next (version 2)", "small, stable (version 1)"])
    expect(visit.label(0)).to_have_text("Negative")
    expect(visit.label(1)).to_have_text("Positive")
    asked = {request.url.partition("?")[2] for request in visit.requests if "/predict?" in request.url}
    assert asked >= {"model=small&version=next", "model=small&version=stable"}
    visit.page.locator("#copy").click()
    expect(visit.page.locator("#copied")).to_have_text("Copied")
    assert "version=next" in visit.page.evaluate("navigator.clipboard.readText()")


def test_a_file_is_scored_by_the_version_that_a_label_has_now(visit: Visit, tmp_path: Path) -> None:
    visit.page.locator("#model").select_option("small/next")
    reviews = tmp_path / "reviews.txt"
    reviews.write_text("good\n")
    visit.page.locator("#chosen").set_input_files(reviews)
    visit.page.locator("#score").click()
    expect(visit.page.locator("#result")).to_contain_text("good")
    [asked] = [request.url for request in visit.requests if "/predict/batch" in request.url]
    assert "version=2" in asked


def test_a_label_and_what_has_none_are_followed_when_the_rollout_changes(browser: Browser, tmp_path: Path) -> None:
    models_dir = write_versions(tmp_path, labels=LABELS, serve="stable")
    with serving(models_dir) as service, visiting(browser, service) as visit:
        visit.page.locator("#model").select_option("small/next")
        visit.page.locator("#compare").select_option("")
        visit.write("good")
        expect(visit.label()).to_have_text("Negative")
        roll_out(models_dir, labels={"next": 1}, serve=2)
        until(lambda: told(service, "rollout")["labels"] == {"next": 1})
        visit.write("good good")
        expect(visit.page.locator(".card-name")).to_have_text("small, next (version 1)")
        expect(visit.label()).to_have_text("Positive")
        expect(visit.page.locator("#rollout")).to_have_text(
            "version 1 (next): when asked for · version 2: every request"
        )
        visit.expects_problems = True
        roll_out(models_dir)
        until(lambda: told(service, "rollout")["labels"] == {})
        visit.write("good")
        expect(visit.page.locator("#model")).to_have_value("small/2")
        expect(visit.label()).to_have_text("Negative")
        expect(visit.page.locator("#problem")).to_be_hidden()
        expect(visit.page.locator("#rollout")).to_be_hidden()


# The panel


def test_a_live_rollout_appears_with_the_figures_of_its_shadow(browser: Browser, tmp_path: Path) -> None:
    models_dir = write_versions(tmp_path, serve=1)
    with serving(models_dir) as service, visiting(browser, service) as visit:
        expect(visit.page.locator("#versions")).to_be_hidden()
        httpx.post(f"{service.address}/predict", json={"texts": EVEN})
        visit.page.reload()
        panel = opened(visit)
        expect(panel.locator("h3")).to_have_text(["Drift of version 1"])
        divide(service, models_dir)
        have_read(service, ["good"] * 20 + ["bad"] * 40)
        expect(panel.locator("h3")).to_have_text(["Drift of version 1", "Shadow: version 2 beside version 1"])
        shadow = told(service, "shadow")
        assert 0 < shadow["flips"] < shadow["texts"]
        expect(panel.locator("> div").nth(1).locator("p")).to_have_text(
            shadow_texts(shadow), timeout=4 * POLL_MILLISECONDS
        )
        expect(visit.page.locator("#rollout")).to_contain_text("version 2 (next): 5% of the requests")
        have_read(service, ["good"] * 20)
        later = shadow_texts(told(service, "shadow"))
        assert later != shadow_texts(shadow)
        expect(panel.locator("> div").nth(1).locator("p")).to_have_text(later, timeout=4 * POLL_MILLISECONDS)


def test_quiet_texts_are_said_to_be_quiet(visit: Visit) -> None:
    panel = opened(visit)
    drift = panel.locator("> div").first
    expect(drift.locator(".state")).to_have_attribute("data-state", "quiet")
    expect(drift.locator(".state")).to_have_text(re.compile(r"^Quiet: [a-z ]+ 0\.0\d\.$"))
    expect(drift).to_contain_text("Of 100 texts, about ")
    expect(drift).to_contain_text("held-out ones (good and bad texts)")
    expect(visit.page.locator("#monitored-at")).to_have_text(
        re.compile(r"small at \d+:\d+:\d+.[AP]M, all processes together\.")
    )


def test_the_bound_is_that_of_the_alert(visit: Visit) -> None:
    alerts = (ROOT / "docker" / "prometheus" / "alerts.yml").read_text()
    found = re.search(r"sentiment_drift\) > ([\d.]+)\n\s+for: 30m", alerts)
    assert found
    expect(opened(visit)).to_contain_text(f"The alert rings above {found[1]}, if that lasts for half an hour.")


def drift_of(service: Running, **indices: float) -> dict[str, Any]:
    """The service's answer with other indices."""
    drift = told(service, "drift")
    for version in drift["versions"]:
        version["reason"] = None
        for name, feature in version["features"].items():
            feature["index"] = indices.get(name, 0.0)
            feature["observed"] = feature["expected"]
        version["features"]["length"]["observed"] = [0.0, 0.7, 0.3]  # all of the expected ones are in the middle
    return drift


@pytest.mark.parametrize(
    ("indices", "state", "said"),
    [
        ({"length": 0.31, "known_words": 0.27}, "changed", "Changed: length 0.31, share of known words 0.27."),
        ({"length": 0.25}, "between", "Slightly changed: length 0.25."),
        ({"length": 0.02, "label": 0.01}, "quiet", "Quiet: length 0.02."),
    ],
)
def test_a_drift_is_said_in_words_with_the_histograms_that_tell_it(
    visit: Visit, divided: Running, indices: dict[str, float], state: str, said: str
) -> None:
    answer_with(visit.page, "drift", drift_of(divided, **indices))
    drift = opened(visit).locator("> div").first
    expect(drift.locator(".state")).to_have_text(said)
    expect(drift.locator(".state")).to_have_attribute("data-state", state)
    expect(drift).to_contain_text(
        "Of 100 texts, about 30 would be longer or shorter if they were like the held-out ones."
    )


def test_real_texts_of_another_kind_have_changed(browser: Browser, tmp_path: Path) -> None:
    with serving(write_versions(tmp_path, serve=1)) as service:
        httpx.post(f"{service.address}/predict", json={"texts": ["good film rare"] * ENOUGH_TEXTS})
        with visiting(browser, service) as visit:
            state = opened(visit).locator(".state")
            expect(state).to_have_attribute("data-state", "changed")
            indices = {name: each["index"] for name, each in told(service, "drift")["versions"][0]["features"].items()}
            expect(state).to_contain_text(f"length {indices['length']:.2f}")
            expect(state).to_contain_text(f"share of known words {indices['known_words']:.2f}")


def test_true_labels_are_counted_by_version(visit: Visit, divided: Running) -> None:
    table = opened(visit).locator("table")
    first, second = told(divided, "feedback")["versions"]
    assert (first["accuracy"], second["accuracy"]) == (1.0, 0.0)
    for row, version in ((0, first), (1, second)):
        low, high = map(percent, version["accuracy_interval"])
        expect(table.locator("tbody tr").nth(row).locator("th, td")).to_have_text(
            [str(version["version"]), percent(version["accuracy"]), f"{low} to {high}", str(version["texts"])]
        )


def test_too_few_texts_are_said_to_be_too_few_and_open_no_panel_alone(visit: Visit, divided: Running) -> None:
    drift = told(divided, "drift")
    for version in drift["versions"]:
        version |= {"reason": "too few", "texts": 12}
        for feature in version["features"].values():
            feature["index"] = None
    answer_with(visit.page, "drift", drift)
    panel = opened(visit)
    expect(panel).to_contain_text(f"Too few texts yet: 12 of the {ENOUGH_TEXTS} that it takes.")
    answer_with(visit.page, "shadow", dict.fromkeys(told(divided, "shadow")))
    answer_with(visit.page, "feedback", {"name": "small", "versions": []})
    visit.page.reload()
    expect(visit.page.locator("#rollout")).to_be_visible()
    expect(visit.page.locator("#versions")).to_be_hidden()


def test_a_shadow_that_has_read_nothing_says_so(visit: Visit, divided: Running) -> None:
    answer_with(visit.page, "shadow", {**told(divided, "shadow"), "texts": 0, "flip_share": None})
    expect(opened(visit).locator("> div").nth(1)).to_contain_text("No text has been compared yet.")


@pytest.mark.parametrize("part", ["drift", "shadow", "feedback"])
def test_what_is_not_there_hides_its_part_and_a_failure_leaves_it(visit: Visit, part: str) -> None:
    visit.expects_problems = True
    panel = opened(visit)
    expect(panel.locator("> div")).to_have_count(3)
    for status, count in ((500, 3), (409 if part == "feedback" else 404, 2)):
        answer_with(visit.page, part, status=status)
        with visit.page.expect_response(f"**/models/small/{part}"):
            visit.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(panel.locator("> div")).to_have_count(count)


def test_another_model_has_figures_of_its_own(browser: Browser, tmp_path: Path) -> None:
    models_dir = write_versions(tmp_path, serve=1)
    other = write_small_bundle(tmp_path / "other")
    other.change_manifest(name="other")
    (tmp_path / "other" / "small").rename(models_dir / "other")
    with serving(models_dir) as service:
        httpx.post(f"{service.address}/predict", json={"texts": EVEN})
        with visiting(browser, service) as visit:
            expect(visit.page.locator("#versions")).to_be_visible()
            visit.page.locator("#model").select_option("other/1")
            expect(visit.page.locator("#versions")).to_be_hidden()
            visit.page.locator("#model").select_option("small/1")
            expect(visit.page.locator("#versions")).to_be_visible()


# Asking


def test_it_asks_again_only_while_it_is_open_and_seen(visit: Visit) -> None:
    page = visit.page
    page.clock.install()
    at = page.locator("#monitored-at")

    def asked(doing: Callable[[], object], seen: bool) -> int:
        """Requests while something is done; `seen` tells that their answers are waited for."""
        before, said = visit.paths().count("/models/small/drift"), at.text_content() or ""
        page.clock.fast_forward(2_000)  # so that the answers have another time
        doing()
        expect(at).not_to_have_text(said) if seen else page.wait_for_timeout(500)
        return visit.paths().count("/models/small/drift") - before

    def wait() -> None:
        page.clock.fast_forward(POLL_MILLISECONDS)

    def turn(hidden: bool) -> None:
        page.evaluate(
            "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
            " document.dispatchEvent(new Event('visibilitychange')); }",
            hidden,
        )

    assert asked(wait, seen=False) == 0
    assert asked(lambda: opened(visit), seen=True) == 1
    assert [asked(wait, seen=True) for _ in range(3)] == [1, 1, 1]
    assert asked(lambda: turn(hidden=True), seen=False) == 0
    assert asked(wait, seen=False) == 0
    assert asked(lambda: turn(hidden=False), seen=True) == 1
    assert asked(wait, seen=True) == 1
    page.locator("#monitoring summary").click()
    assert asked(wait, seen=False) == 0


def test_a_key_goes_with_it_and_only_a_reader_is_asked_for_one(browser: Browser, tmp_path: Path) -> None:
    key = {"Authorization": "Bearer the-key"}
    with serving(write_versions(tmp_path, serve=1), SENTIMENT_API_KEYS="the-key") as service:
        httpx.post(f"{service.address}/predict", json={"texts": EVEN}, headers=key).raise_for_status()
        with visiting(browser, service) as visit:
            visit.expects_problems = True
            page = visit.page
            page.get_by_label("Key", exact=True).fill("the-key")
            page.get_by_role("button", name="Use it").click()
            expect(opened(visit)).to_contain_text("Quiet")
            page.get_by_role("button", name="Forget the key").click()
            with page.expect_response(lambda response: response.status == 401 and response.url.endswith("/drift")):
                page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            expect(page.locator("#monitored")).to_contain_text("Quiet")
            expect(page.locator("#key-dialog")).to_be_hidden()
            page.locator("#monitoring summary").click()
            page.locator("#monitoring summary").click()
            expect(page.locator("#key-dialog")).to_be_visible()


# For everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_no_rule_of_accessibility_is_broken(browser: Browser, divided: Running, scheme: Any, width: int) -> None:
    with visiting(browser, divided, color_scheme=scheme, viewport={"width": width, "height": 800}) as visit:
        answer_with(visit.page, "drift", drift_of(divided, length=0.3))
        expect(opened(visit).locator("> div")).to_have_count(3)
        expect(visit.page.locator(".state").first).to_have_attribute("data-state", "changed")
        found = Axe().run(visit.page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_a_narrow_screen_need_not_be_scrolled_sideways(browser: Browser, divided: Running, locale: str) -> None:
    with visiting(browser, divided, locale=locale, viewport={"width": 320, "height": 640}) as visit:
        visit.page.locator("#model").select_option("small/next")
        expect(opened(visit).locator("> div")).to_have_count(3)
        for width in (320, 360, 540, 768):
            visit.page.set_viewport_size({"width": width, "height": 640})
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_opens_it(visit: Visit) -> None:
    visit.page.locator("#monitoring summary").focus()
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#monitored")).to_be_visible()
    expect(visit.page.locator("#monitoring summary")).to_have_css("outline-style", "solid")


def test_nothing_jumps_when_it_comes_or_is_renewed(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size({"width": 1280, "height": 2_000})  # what is out of sight does not count
    page.add_init_script(
        "window.shifts = []; new PerformanceObserver((list) => window.shifts.push(...list.getEntries()"
        ".filter((entry) => !entry.hadRecentInput).map((entry) => entry.value)))"
        ".observe({type: 'layout-shift', buffered: true});"
    )
    page.reload()
    expect(page.locator("#versions")).to_be_visible()
    expect(opened(visit).locator("> div")).to_have_count(3)
    table = page.locator("#monitored table").element_handle()
    page.wait_for_timeout(600)  # what an input moves does not count for half a second
    for _ in range(3):
        with page.expect_response("**/models/small/feedback"):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_load_state("networkidle")
    assert table.evaluate("table => table.isConnected")  # whoever reads it is not interrupted
    assert sum(page.evaluate("window.shifts")) < 0.001


def test_it_is_in_korean_too(browser: Browser, divided: Running) -> None:
    with visiting(browser, divided) as visit:
        expect(opened(visit)).to_contain_text("Drift of version 1")
        visit.page.get_by_role("button", name="한국어").click()
        expect(visit.page.locator("#versions-title")).to_have_text("버전별 현황")
        expect(visit.page.locator("#monitored")).not_to_contain_text(re.compile(r"held-out|version", re.IGNORECASE))
        expect(visit.page.locator("#rollout")).to_have_text("버전 1(stable): 요청의 95% · 버전 2(next): 요청의 5%")
        low, high = map(percent, told(divided, "shadow")["flip_share_interval"])
        expect(visit.page.locator("#monitored")).to_contain_text(f"(95% 구간 {low}~{high})")
