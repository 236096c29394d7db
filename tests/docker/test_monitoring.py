"""The dashboard and the alerts speak of what the service really tells."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import promql_parser as promql
import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from service.monitoring.drift import ENOUGH_TEXTS
from service.server.application import create_app
from service.settings import Settings
from tests.docker.conftest import ROOT
from tests.service.conftest import MODELS_DIR
from tests.service.running import until

DASHBOARD = json.loads((ROOT / "docker/grafana/dashboards/sentiment.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
PROMETHEUS = ROOT / "docker/prometheus"
ALERTS = [
    rule for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
PROVISIONING = ROOT / "docker/grafana/provisioning"
OF_A_SCRAPE = {"job", "instance"}
"""Labels that Prometheus adds."""


def without_variables(query: str) -> str:
    return query.replace("$__rate_interval", "1m").replace("$instance", ".*")


DASHBOARD_QUERIES = [without_variables(target["expr"]) for panel in PANELS for target in panel["targets"]]
ALERT_QUERIES = [rule["expr"] for rule in ALERTS]


def parts(query: str | promql.Expr) -> list[promql.Expr]:
    """Every expression in a query."""
    found: list[promql.Expr] = []
    promql.walk(promql.parse(query) if isinstance(query, str) else query, pre_visit=found.append)
    return found


def selectors(query: str | promql.Expr) -> list[promql.VectorSelector]:
    found = [part.vector_selector if isinstance(part, promql.MatrixSelector) else part for part in parts(query)]
    return [part for part in found if isinstance(part, promql.VectorSelector)]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The labels of every sample of a service that has answered, refused, compared and been told a label."""
    models_dir = tmp_path_factory.mktemp("models")
    (models_dir / "imdb-conv1d").mkdir()
    for version in ("1", "3"):
        (models_dir / "imdb-conv1d" / version).symlink_to(MODELS_DIR / "imdb-conv1d" / version)
    rollout = {"serve": 1, "shadow": {"version": 3, "share": 0.5}}
    (models_dir / "imdb-conv1d" / "rollout.json").write_text(json.dumps(rollout))
    feedback_file = tmp_path_factory.mktemp("feedback") / "feedback.sqlite"
    settings = Settings(models_dir=models_dir, api_keys=SecretStr("shop key"), feedback_file=feedback_file)
    with TestClient(create_app(settings), headers={"X-API-Key": "key"}) as client:
        client.post("/predict", json={"texts": ["A wonderful film."] * ENOUGH_TEXTS})
        client.post("/predict", json={"text": "A wonderful film."}, headers={"X-Request-Timeout": "0.000001"})
        client.post("/feedback", json={"text": "A wonderful film.", "label": "positive"})
        until(lambda: "sentiment_feedback_accuracy{" in client.get("/metrics").text)
        exposition = client.get("/metrics").text
    found: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(exposition):
        if not family.name.endswith("_created"):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("query", [*DASHBOARD_QUERIES, *ALERT_QUERIES])
def test_a_query_asks_for_what_there_is(query: str, samples: dict[str, set[str]]) -> None:
    assert selectors(query)
    for selector in selectors(query):
        assert selector.name in samples
        there = samples[selector.name or ""] | OF_A_SCRAPE
        assert {matcher.name for matcher in selector.matchers.matchers} <= there
    for part in parts(query):
        if isinstance(part, promql.AggregateExpr) and part.modifier:
            for selector in selectors(part.expr):
                assert set(part.modifier.labels) <= samples[selector.name or ""] | OF_A_SCRAPE


def test_every_metric_is_on_the_dashboard(samples: dict[str, set[str]]) -> None:
    shown = {selector.name for query in DASHBOARD_QUERIES for selector in selectors(query)}
    left_out = {name for name in samples if not name.endswith(("_bucket", "_sum", "_count"))} - shown
    assert left_out == set()


def test_panels_have_a_place_and_a_source_of_their_own() -> None:
    [source] = yaml.safe_load((PROVISIONING / "datasources/prometheus.yml").read_text())["datasources"]
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in PANELS:
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"] == {"type": source["type"], "uid": source["uid"]}


def test_grafana_and_prometheus_are_told_where_things_are(compose: dict[str, Any]) -> None:
    grafana, prometheus = compose["services"]["grafana"], compose["services"]["prometheus"]
    mounted = {volume.split(":")[1] for volume in grafana["volumes"]}
    [provider] = yaml.safe_load((PROVISIONING / "dashboards/sentiment.yml").read_text())["providers"]
    assert provider["options"]["path"] in mounted
    assert grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].startswith(provider["options"]["path"])
    [source] = yaml.safe_load((PROVISIONING / "datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    [job] = config["scrape_configs"]
    [discovery] = job["dns_sd_configs"]
    for name in ("sentiment", "replica"):
        assert discovery["names"] == compose["services"][name]["networks"]["default"]["aliases"]
    assert [(PROMETHEUS / name).exists() for name in config["rule_files"]] == [True]
    assert {volume.split(":")[1] for volume in prometheus["volumes"]} == {"/etc/prometheus", "/prometheus"}


def test_an_alert_says_what_is_the_matter() -> None:
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)
    for rule in ALERTS:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_prometheus_accepts_configuration_and_alerts(required_program: Callable[[str], str]) -> None:
    command = [required_program("promtool"), "check", "config", str(PROMETHEUS / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
