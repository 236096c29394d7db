"""A real browser on a real service."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser import chromium
from tests.service.conftest import MODELS_DIR, write_korean_bundle, write_small_bundle
from tests.service.running import Running, running

SECONDS = 60
"""Until something must be seen, on a busy machine."""
LAYER = {"name": "scores", "kind": "Embedding", "output_shape": [20, 1], "parameters": 11}
REFUSED = "Failed to load resource"  # what the browser notes of every answer that is a problem

expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def service() -> Iterator[Running]:
    with running("--models-dir", str(MODELS_DIR), "--workers", "1") as service:
        yield service


@pytest.fixture(scope="package")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    models_dir = tmp_path_factory.mktemp("two") / "models"
    for version in (1, 2):
        write_small_bundle(models_dir, version, bias=-3.0 * (version == 1))
    with running("--models-dir", str(models_dir), "--model", "small", "--workers", "1") as service:
        yield service


@pytest.fixture(scope="package")
def two_languages_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An English model, the default, with a Korean one."""
    models_dir = tmp_path_factory.mktemp("languages") / "models"
    write_small_bundle(models_dir)
    write_korean_bundle(models_dir).change_manifest(layers=[LAYER])
    with running("--models-dir", str(models_dir), "--model", "small", "--workers", "1") as service:
        yield service


class Visit:
    """Somebody who opens the page, and notes what goes wrong: messages in the console, requests to elsewhere.

    Args:
        page: of the browser.
        service: that it is opened from.
    """

    def __init__(self, page: Page, service: Running) -> None:
        self.page = page
        self.address = service.address
        self.expects_problems = False
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        page.set_default_timeout(SECONDS * 1000)
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(f"{message.text} {message.location['url']}"))
        page.goto(service.address)
        expect(page.locator("#text:visible, #key:visible")).to_be_visible()

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def write(self, text: str) -> None:
        self.page.locator("#text").fill(text)

    def label(self, card: int = 0) -> Any:
        return self.page.locator(".card .label").nth(card)

    def share(self, card: int = 0) -> Any:
        return self.page.locator(".card .share").nth(card)

    def paths(self) -> list[str]:
        """Of all requests so far, without queries."""
        return [urlsplit(request.url).path for request in self.requests]

    def check(self) -> None:
        """That nothing went wrong."""
        complaints = [line for line in self.complaints if not (self.expects_problems and REFUSED in line)]
        assert complaints == []
        hosts = {urlsplit(request.url).netloc for request in self.requests if not request.url.startswith("blob:")}
        assert hosts == {urlsplit(self.address).netloc}


@contextmanager
def visiting(browser: Browser, service: Running, **options: Any) -> Iterator[Visit]:
    """A new visitor, who has been nowhere before."""
    context = browser.new_context(**{"locale": "en-US", **options})
    try:
        visit = Visit(context.new_page(), service)
        yield visit
        visit.check()
    finally:
        context.close()


@pytest.fixture
def visit(browser: Browser, service: Running) -> Iterator[Visit]:
    with visiting(browser, service, permissions=["clipboard-read", "clipboard-write"]) as visit:
        yield visit
