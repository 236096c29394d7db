"""The page of the interface, /docs: without anything from elsewhere, and with a key."""

import httpx
from playwright.sync_api import Browser, expect

from tests.service.conftest import BundleFolder
from tests.service.page.conftest import SECONDS
from tests.service.running import running

KEY = "the-key"


def test_a_route_is_tried_with_a_key_and_nothing_comes_from_elsewhere(browser: Browser, small: BundleFolder) -> None:
    models = ("--models-dir", str(small.path.parents[1]), "--model", "small", "--workers", "1")
    with running(*models, SENTIMENT_API_KEYS=KEY) as service:
        page = browser.new_context().new_page()
        page.set_default_timeout(SECONDS * 1000)
        complaints: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{service.address}/docs")
        expect(page.locator(".opblock")).not_to_have_count(0)
        assert complaints == []
        page.get_by_role("button", name="Authorize").first.click()
        page.locator(".auth-container input").first.fill(KEY)
        page.locator(".auth-btn-wrapper .authorize").first.click()
        page.locator(".btn-done").first.click()
        route = page.locator(".opblock", has=page.locator('[data-path="/models"]'))
        route.locator(".opblock-summary-control").click()
        route.get_by_role("button", name="Try it out").click()
        route.get_by_role("button", name="Execute").click()
        expect(route.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
        assert [url for url in asked if not url.startswith((service.address, "data:"))] == []
        page.context.close()


def test_the_document_says_how_to_send_a_key_where_one_is_needed(small: BundleFolder) -> None:
    models = ("--models-dir", str(small.path.parents[1]), "--model", "small", "--workers", "1")
    with running(*models, SENTIMENT_API_KEYS=KEY) as service:
        document = httpx.get(f"{service.address}/openapi.json").json()
        assert {scheme["type"] for scheme in document["components"]["securitySchemes"].values()} == {"http", "apiKey"}
        assert len(document["security"]) == 2
        assert document["paths"]["/health"]["get"]["security"] == []
        page = httpx.get(f"{service.address}/docs")
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in page.headers["content-security-policy"]
