"""Keys with names, quotas and priorities, and their file."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from service.errors import UnauthorizedError
from service.server.application import create_app
from service.server.keys import ApiKeys
from service.settings import Settings, SettingsError
from tests.service.conftest import BundleFolder
from tests.service.running import running

TEXT = {"text": "good"}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@contextmanager
def serving(small: BundleFolder, keys: Path, *lines: str) -> Iterator[TestClient]:
    keys.write_text("\n".join(lines))
    settings = Settings(models_dir=small.path.parents[1], model="small", api_keys_file=keys)
    with TestClient(create_app(settings)) as client:
        yield client


def ask(client: TestClient | httpx.Client, key: str, body: Any = TEXT, path: str = "/predict") -> httpx.Response:
    return client.post(path, json=body, headers={"X-API-Key": key})


def test_the_file_is_read_again_and_what_cannot_be_used_changes_nothing(
    keys: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys.write_text("shop old-key")
    api_keys = ApiKeys(Settings(api_keys_file=keys), tmp_path)

    def valid(key: str) -> bool:
        try:
            return api_keys.check(None, key.encode()) is not None
        except UnauthorizedError:
            return False

    keys.write_text(f"shop sha256:{sha256(b'new-key').hexdigest()}\nlab lab-key")
    assert [valid(key) for key in ("old-key", "new-key", "lab-key")] == [True, False, False]
    asyncio.run(api_keys.follow())
    assert [valid(key) for key in ("old-key", "new-key", "lab-key")] == [False, True, True]
    for content in ("shop hunter2 many", "", "# nobody"):
        keys.write_text(content)
        asyncio.run(api_keys.follow())
        assert valid("new-key")
    keys.unlink()
    asyncio.run(api_keys.follow())
    assert valid("new-key")
    assert "line 1" in caplog.text
    assert "there is none" in caplog.text
    assert "cannot be read" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_file_that_cannot_be_used_stops_the_start(keys: Path, tmp_path: Path) -> None:
    keys.write_text("ok-key\nshop key 0")
    with pytest.raises(SettingsError, match="keys: line 2: after name and key there should be"):
        ApiKeys(Settings(api_keys_file=keys), tmp_path)


def test_over_its_quota_a_caller_is_told_when_to_come_back_and_others_are_not(small: BundleFolder, keys: Path) -> None:
    with serving(small, keys, "shop shop-key 0.01", "lab lab-key") as client:
        assert ask(client, "shop-key").status_code == 200
        refused = ask(client, "shop-key")
        assert refused.status_code == 429
        assert refused.headers["retry-after"] in ("99", "100")
        assert refused.json()["type"] == "/problems/quota"
        assert "shop may send 0.01 requests a second" in refused.json()["detail"]
        infer = ask(client, "shop-key", path="/v2/models/small/infer")
        assert infer.status_code == 429
        assert "requests a second" in infer.json()["error"]
        assert ask(client, "lab-key").status_code == 200
        assert client.get("/health").status_code == 200
        assert client.get("/metrics", headers={"X-API-Key": "shop-key"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", TEXT),
        ("/predict", {"texts": ["good", "bad"]}),
        ("/explain", TEXT),
        ("/v1/models/small:predict", {"instances": ["good"]}),
        ("/v2/models/small/infer", {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["good"]}]}),
        ("/classify", {"input": "good"}),
    ],
)
def test_texts_count_on_every_route(small: BundleFolder, keys: Path, path: str, body: Any) -> None:
    with serving(small, keys, "shop shop-key - 0.01") as client:
        assert ask(client, "shop-key", body, path).status_code == 200
        assert ask(client, "shop-key", body, path).status_code == 429
        assert client.get("/models", headers={"X-API-Key": "shop-key"}).status_code == 200


def test_keys_of_one_name_share_its_quota(small: BundleFolder, keys: Path) -> None:
    with serving(small, keys, "shop old-key 0.01", "shop new-key 0.01") as client:
        assert [ask(client, key).status_code for key in ("old-key", "new-key")] == [200, 429]


def test_a_file_over_the_quota_is_slowed_down_and_answered(small: BundleFolder, keys: Path) -> None:
    lines = "good\n" * 3_000
    with serving(small, keys, "shop shop-key - 1500") as client:
        began = monotonic()
        headers = {"X-API-Key": "shop-key", "Content-Type": "text/plain"}
        response = client.post("/predict/batch", content=lines, headers=headers)
        seconds = monotonic() - began
    assert json.loads(response.text.splitlines()[-1])["summary"]["scored"] == 3_000
    assert seconds > 0.5  # without the quota it takes a tenth of that; it cannot be less with it


def test_metrics_and_log_lines_have_the_name_and_never_the_key(
    small: BundleFolder, keys: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(small, keys, "shop shop-key - 0.01", "nameless-key") as client:
        ask(client, "shop-key")
        ask(client, "shop-key")
        ask(client, "nameless-key")
        metrics = client.get("/metrics", headers={"X-API-Key": "shop-key"}).text
    assert 'sentiment_key_requests_total{key="shop",status="200"} 1.0' in metrics
    assert 'sentiment_key_requests_total{key="shop",status="429"} 1.0' in metrics
    assert 'sentiment_key_texts_total{key="shop"}' in metrics
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"message":"request"' in line]
    assert [line.get("key") for line in lines] == ["shop", "shop", None, "shop"]
    assert "-key" not in metrics + str(lines)


def test_priorities_are_lanes(small: BundleFolder, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.scheduler import Scheduler

    seen: list[str] = []
    predict = Scheduler.predict

    def noted(self: Scheduler, predictor: Any, texts: Any, urgency: Any = "normal") -> Any:
        seen.append(urgency)
        return predict(self, predictor, texts, urgency)

    monkeypatch.setattr(Scheduler, "predict", noted)
    with serving(small, keys, "a a-key high", "b b-key", "c c-key low", "d-key") as client:
        for key in "abcd":
            assert ask(client, f"{key}-key").status_code == 200
    assert seen == ["high", "normal", "low", "normal"]


def test_processes_keep_a_quota_together_and_follow_the_file(small: BundleFolder, keys: Path) -> None:
    keys.write_text("shop shop-key 0.01\nlab lab-key")
    flags = ["--models-dir", str(small.path.parents[1]), "--model", "small", "--workers", "2"]
    with running(*flags, "--api-keys-file", str(keys)) as service:

        def statuses(key: str, number: int) -> Counter[int]:
            counted: Counter[int] = Counter()
            for _ in range(number):
                with service.client() as client:  # a new connection, which any process may take
                    counted[ask(client, key).status_code] += 1
            return counted

        assert statuses("shop-key", 20) == {200: 1, 429: 19}
        keys.write_text("shop shop-key\n")
        deadline = monotonic() + 20
        while statuses("lab-key", 10) != {401: 10} and monotonic() < deadline:
            pass
        assert statuses("lab-key", 10) == {401: 10}
        assert statuses("shop-key", 10) == {200: 10}
