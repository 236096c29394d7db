"""Which names the service answers to, and which pages may call it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.service.api.test_predict import assert_problem
from tests.service.conftest import BundleFolder
from tests.service.server.test_middleware import KEYED, serving


def ask(client: TestClient, host: str = "localhost:8000", **headers: str) -> Any:
    return client.post("/predict", json={"text": "good"}, headers={"Host": host, **headers})


LOCAL = ["localhost", "LOCALHOST:80", "a.localhost", "127.0.0.1:8000", "192.168.1.5", "[::1]:8000", "localhost."]


@pytest.mark.parametrize("host", LOCAL)
def test_without_keys_it_answers_to_local_names_and_addresses(small: BundleFolder, host: str) -> None:
    with serving(small, allowed_hosts=None) as client:
        assert ask(client, host).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "sentiment"])
def test_without_keys_it_answers_to_no_other_name(small: BundleFolder, host: str) -> None:
    with serving(small, allowed_hosts=None) as client:
        body = assert_problem(ask(client, host), 421, "unknown-host")
        assert "SENTIMENT_ALLOWED_HOSTS" in body["detail"]
        assert client.get("/v2", headers={"Host": host}).json()["error"]
        assert client.get("/health", headers={"Host": host}).status_code == 200  # load balancers use any name


@pytest.mark.parametrize(("host", "status"), [("shop.example", 200), ("a.lab.example", 200), ("lab.example", 421)])
def test_names_are_added_by_a_setting(small: BundleFolder, host: str, status: int) -> None:
    with serving(small, allowed_hosts="Shop.example, .lab.example") as client:
        assert ask(client, host).status_code == status


def test_with_keys_every_name_will_do_unless_names_are_set(small: BundleFolder) -> None:
    key = {"Authorization": "Bearer first-key"}
    with serving(small, allowed_hosts=None, **KEYED) as client:
        assert ask(client, "shop.example", **key).status_code == 200
    with serving(small, allowed_hosts="shop.example", **KEYED) as client:
        assert ask(client, "shop.example", **key).status_code == 200
        assert ask(client, "other.example", **key).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_without_keys_pages_of_other_origins_are_refused(small: BundleFolder, headers: dict[str, str]) -> None:
    with serving(small) as client:
        assert_problem(ask(client, **headers), 403, "cross-origin")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},  # a link
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_its_own_page_and_links_to_it_are_not(small: BundleFolder, headers: dict[str, str]) -> None:
    with serving(small) as client:
        assert ask(client, **headers).status_code == 200


def test_origins_that_are_set_may_ask(small: BundleFolder) -> None:
    with serving(small, cors_origins="https://shop.example") as client:
        assert ask(client, Origin="https://shop.example").status_code == 200
        assert ask(client, Origin="https://other.example").status_code == 403
        answer = client.options(
            "/predict",
            headers={
                "Origin": "https://shop.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "x-api-key, content-encoding, inference-header-content-length",
            },
        )
        assert answer.status_code == 200


@pytest.mark.parametrize(("settings", "status"), [({}, 403), ({"repository_control": True}, 200), (KEYED, 200)])
def test_models_are_loaded_over_http_where_keys_are_needed_or_a_setting_allows_it(
    small: BundleFolder, settings: dict[str, Any], status: int
) -> None:
    with serving(small, **settings) as client:
        answer = client.post("/v2/repository/models/small/load", headers={"X-API-Key": "first-key"})
        assert answer.status_code == status
        assert ("SENTIMENT_REPOSITORY_CONTROL" in answer.text) == (status == 403)
