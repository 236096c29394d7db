"""The manifests are what Kubernetes takes, agree with each other and with the service."""

import os
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from fastapi.testclient import TestClient

from service.server.application import create_app
from service.settings import Settings
from tests.docker.conftest import PINNED, ROOT
from tests.service.conftest import MODELS_DIR

FOLDER = ROOT / "docker/kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS = {path.stem: yaml.safe_load(path.read_text()) for path in FOLDER.glob("*.yaml")}
RESOURCES = {name: manifest for name, manifest in MANIFESTS.items() if name != "kustomization"}
VERSIONS = ["1.31", kubernetes_validate.latest_version().rsplit(".", 1)[0]]


@pytest.fixture
def pod() -> dict[str, Any]:
    return dict(RESOURCES["deployment"]["spec"]["template"]["spec"])


@pytest.fixture
def container(pod: dict[str, Any]) -> dict[str, Any]:
    [container] = pod["containers"]
    return dict(container)


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container["env"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_a_manifest_is_valid(name: str, version: str) -> None:
    kubernetes_validate.validate(RESOURCES[name], version, strict=True)


def test_the_schemas_notice_a_wrong_field() -> None:
    wrong = {**RESOURCES["service"], "spec": {**RESOURCES["service"]["spec"], "port": 80}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_kustomize_takes_every_manifest() -> None:
    assert {Path(resource).stem for resource in KUSTOMIZATION["resources"]} == set(RESOURCES)


def test_the_image_gets_a_version(container: dict[str, Any]) -> None:
    [image] = KUSTOMIZATION["images"]
    assert image["name"] == container["image"]
    assert PINNED.fullmatch(f"{image['newName']}:{image['newTag']}")


def test_everything_selects_the_pods_of_the_deployment() -> None:
    labels = RESOURCES["deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        RESOURCES["deployment"]["spec"]["selector"]["matchLabels"],
        RESOURCES["service"]["spec"]["selector"],
        RESOURCES["poddisruptionbudget"]["spec"]["selector"]["matchLabels"],
        RESOURCES["networkpolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    spread = RESOURCES["deployment"]["spec"]["template"]["spec"]["topologySpreadConstraints"]
    selectors += [constraint["labelSelector"]["matchLabels"] for constraint in spread]
    for selector in selectors:
        assert selector.items() <= labels.items()
    target = RESOURCES["horizontalpodautoscaler"]["spec"]["scaleTargetRef"]
    deployment = RESOURCES["deployment"]
    assert target == {
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "name": deployment["metadata"]["name"],
    }


def test_ports_are_known_by_their_name(container: dict[str, Any]) -> None:
    [port] = container["ports"]
    assert port["containerPort"] == Settings().port
    annotations = RESOURCES["deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(port["containerPort"])
    used = [container[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
    used += [entry["targetPort"] for entry in RESOURCES["service"]["spec"]["ports"]]
    used += [entry["port"] for rule in RESOURCES["networkpolicy"]["spec"]["ingress"] for entry in rule["ports"]]
    assert set(used) == {port["name"]}


def test_only_clients_with_a_label_get_in_and_nothing_out() -> None:
    policy = RESOURCES["networkpolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["egress"] == []
    [rule] = policy["ingress"]
    label = {"matchLabels": {"sentiment-client": "true"}}
    assert rule["from"] == [
        {"namespaceSelector": {}, "podSelector": label},
        {"namespaceSelector": label},
    ]
    assert 'sentiment-client: "true"' in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize(
    "name", ["sentiment", "sentiment.shop.svc", "sentiment.shop.svc.cluster.local", "10.1.2.3:8000"]
)
def test_pods_answer_to_the_names_of_their_service(container: dict[str, Any], name: str) -> None:
    settings = Settings(models_dir=MODELS_DIR, allowed_hosts=variables(container)["SENTIMENT_ALLOWED_HOSTS"])
    with TestClient(create_app(settings)) as client:
        assert client.get("/models", headers={"Host": name}).status_code == 200
        assert client.get("/models", headers={"Host": "evil.example"}).status_code == 421


def test_probes_and_scrapes_find_their_routes(container: dict[str, Any]) -> None:
    with TestClient(create_app(Settings(models_dir=MODELS_DIR))) as client:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert client.get(container[probe]["httpGet"]["path"]).status_code == 200
        annotations = RESOURCES["deployment"]["spec"]["template"]["metadata"]["annotations"]
        assert client.get(annotations["prometheus.io/path"]).status_code == 200
    # A service that drains is not ready, and alive all the same.
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"


def test_variables_are_settings(container: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    given = variables(container)
    assert set(given) <= {f"SENTIMENT_{name.upper()}" for name in Settings.model_fields}
    for name in [name for name in os.environ if name.startswith("SENTIMENT_")]:
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert (Settings.load().workers, Settings.load().threads) == (1, 1)


def test_kubernetes_sets_no_variables_that_look_like_settings(pod: dict[str, Any]) -> None:
    # For a Service named "sentiment" it would set SENTIMENT_PORT, to an address.
    assert pod["enableServiceLinks"] is False


def test_a_pod_is_waited_for_until_its_requests_are_done(pod: dict[str, Any], container: dict[str, Any]) -> None:
    given = variables(container)
    drain, shutdown = (float(given[f"SENTIMENT_{name}_SECONDS"]) for name in ("DRAIN", "SHUTDOWN"))
    assert pod["terminationGracePeriodSeconds"] > drain + shutdown
    readiness = container["readinessProbe"]
    assert drain > readiness["periodSeconds"] * readiness["failureThreshold"]
    assert RESOURCES["deployment"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_pods_keep_to_the_restricted_standard(pod: dict[str, Any], container: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert f"\nUSER {pod['securityContext']['runAsUser']}:" in (ROOT / "Dockerfile").read_text()
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False


def test_what_the_autoscaler_counts_is_asked_for(container: dict[str, Any]) -> None:
    [metric] = RESOURCES["horizontalpodautoscaler"]["spec"]["metrics"]
    assert metric["resource"]["name"] in container["resources"]["requests"]
    assert container["resources"]["limits"]["memory"]
