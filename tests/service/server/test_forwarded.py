"""Forwarded headers of a proxy, and the prefix that the service stands behind."""

import json
from typing import Any

import pytest

from service.settings import SettingsError
from tests.service.conftest import BundleFolder
from tests.service.server.test_middleware import request_lines, serving

FORWARDED = {
    "X-Forwarded-For": "203.0.113.9, 10.0.0.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Prefix": "/sentiment",
}
TRUSTED = {"trusted_proxies": "*", "allowed_hosts": "shop.example"}


def test_a_trusted_proxy_says_who_asks_and_under_which_address(
    small: BundleFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(small, **TRUSTED) as client:
        answer = client.get("/models/", headers=FORWARDED, follow_redirects=False)
        assert answer.headers["location"] == "https://shop.example/sentiment/models"
        assert client.get("/openapi.json", headers=FORWARDED).json()["servers"] == [{"url": "/sentiment"}]
    assert [line["client"] for line in request_lines(capfd)] == ["203.0.113.9", "203.0.113.9"]


def test_nobody_else_does(small: BundleFolder, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(small, trusted_proxies="10.0.0.0/8, 192.168.1.1", allowed_hosts="testserver") as client:
        assert "servers" not in client.get("/openapi.json", headers=FORWARDED).json()
    assert [line["client"] for line in request_lines(capfd)] == ["testclient"]


@pytest.mark.parametrize(
    ("addresses", "client"),
    [
        ("203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.0.0.7", "203.0.113.9"),  # the first one is the client's own invention
        ("evil, 10.0.0.7", "10.0.0.7"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxy(
    small: BundleFolder, capfd: pytest.CaptureFixture[str], addresses: str, client: str
) -> None:
    with serving(small, trusted_proxies="10.0.0.0/8") as app:
        app._transport.client = ("10.1.1.1", 5)
        app.get("/health", headers={"X-Forwarded-For": addresses})
    assert [line["client"] for line in request_lines(capfd)] == [client]


@pytest.mark.parametrize("prefix", ["//evil.example", "/a b", "javascript:", "/a/../..\\"])
def test_a_prefix_that_is_none_is_left_out(small: BundleFolder, prefix: str) -> None:
    with serving(small, **TRUSTED) as client:
        headers = {**FORWARDED, "X-Forwarded-Prefix": prefix}
        assert "servers" not in client.get("/openapi.json", headers=headers).json()


@pytest.mark.parametrize("path", ["/sentiment/health", "/health"])
def test_a_prefix_is_taken_away_or_was_taken_away_already(small: BundleFolder, path: str) -> None:
    with serving(small, root_path="/sentiment") as client:
        assert client.get(path).status_code == 200
        assert client.get("/openapi.json").json()["servers"] == [{"url": "/sentiment"}]
        assert client.get("/sentiment").headers["content-type"].startswith("text/html")
        assert client.get("/sentimental").status_code == 404


@pytest.mark.parametrize("settings", [{"trusted_proxies": "10.0.0.0/99"}, {"trusted_proxies": "proxy.example"}])
def test_what_is_no_address_stops_the_start(small: BundleFolder, settings: dict[str, Any]) -> None:
    with (
        pytest.raises(SettingsError, match=json.dumps(settings["trusted_proxies"]).strip('"')),
        serving(small, **settings),
    ):
        pass
