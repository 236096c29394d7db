"""The components beside the manifests: KServe, KEDA, the Prometheus operator, models from a store."""

import os
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from fastapi.testclient import TestClient

from service.server.application import create_app
from service.settings import Settings
from tests.docker.conftest import PINNED
from tests.docker.test_kubernetes import FOLDER, RESOURCES, VERSIONS
from tests.docker.test_monitoring import selectors
from tests.service.conftest import MODELS_DIR

COMPONENTS = FOLDER / "components"
MODELS = {
    "components/keda/scaledobject.yaml": ("cloudcoil.models.keda.v1alpha1", "ScaledObject"),
    "components/monitoring/servicemonitor.yaml": ("cloudcoil.models.prometheus_operator.v1", "ServiceMonitor"),
}
"""Models made from the CustomResourceDefinitions of KEDA and of the Prometheus operator."""


def closed(schema: Any) -> Any:
    """The same schema, in which an object has no other members than those that are named."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    members = {key: closed(value) for key, value in schema.items()}
    return members | {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else members


@cache
def schema_of(place: str) -> dict[str, Any]:
    module, name = MODELS[place]
    schema: dict[str, Any] = closed(getattr(pytest.importorskip(module), name).model_json_schema())
    return schema | {"required": ["apiVersion", "kind", "metadata", "spec"]}


def read(place: str) -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / place).read_text()))


def merged(base: Any, patch: Any) -> Any:
    """A strategic merge as kustomize makes it: members of objects, and of lists those of the same name."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return base | {key: merged(base.get(key), value) for key, value in patch.items()}
    if isinstance(base, list) and all(isinstance(each, dict) and "name" in each for each in [*base, *patch]):
        of = {each["name"]: each for each in base}
        return [*(of | {each["name"]: merged(of.get(each["name"]), each) for each in patch}).values()]
    return patch


def pod_of(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "any"}, "spec": spec}


@pytest.mark.parametrize("place", sorted(MODELS))
def test_a_manifest_fits_the_schema_of_its_project(place: str) -> None:
    jsonschema.validate(read(place), schema_of(place))


@pytest.mark.parametrize(
    ("place", "path", "value"),
    [
        ("components/keda/scaledobject.yaml", ("apiVersion",), "keda.sh/v1"),
        ("components/keda/scaledobject.yaml", ("spec", "replica"), 1),
        ("components/keda/scaledobject.yaml", ("spec", "maxReplicaCount"), "10"),
        ("components/keda/scaledobject.yaml", ("spec", "triggers", 0, "metricsType"), "Utilization"),
        ("components/keda/scaledobject.yaml", ("spec", "triggers", 1, "metadata", "threshold"), 200),
        ("components/monitoring/servicemonitor.yaml", ("kind",), "PodMonitor"),
        ("components/monitoring/servicemonitor.yaml", ("spec", "replica"), 1),
        ("components/monitoring/servicemonitor.yaml", ("spec", "endpoints", 0, "interval"), "15 seconds"),
        ("components/monitoring/servicemonitor.yaml", ("spec", "endpoints", 0, "paths"), "/metrics"),
    ],
)
def test_the_schemas_notice_a_wrong_field(place: str, path: tuple[str | int, ...], value: Any) -> None:
    wrong: Any = read(place)
    part = wrong
    for each in path[:-1]:
        part = part[each]
    part[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError) as refused:
        jsonschema.validate(wrong, schema_of(place))
    assert path[: len(refused.value.absolute_path)] == tuple(refused.value.absolute_path)


@pytest.mark.parametrize("folder", [*sorted(path.name for path in COMPONENTS.iterdir())])
def test_a_component_names_the_files_beside_it(folder: str) -> None:
    component = read(f"components/{folder}/kustomization.yaml")
    assert (component["apiVersion"], component["kind"]) == ("kustomize.config.k8s.io/v1alpha1", "Component")
    named = {*component.get("resources", []), *(patch.get("path") for patch in component.get("patches", []))} - {None}
    assert named == {path.name for path in (COMPONENTS / folder).iterdir()} - {"kustomization.yaml"}


def test_the_monitor_finds_the_service_and_its_metrics() -> None:
    spec = read("components/monitoring/servicemonitor.yaml")["spec"]
    service = RESOURCES["service"]
    assert spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    [endpoint] = spec["endpoints"]
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    with TestClient(create_app(Settings(models_dir=MODELS_DIR))) as client:
        assert client.get(endpoint["path"]).status_code == 200


def test_keda_scales_what_the_autoscaler_did_by_metrics_that_there_are() -> None:
    spec, before = read("components/keda/scaledobject.yaml")["spec"], RESOURCES["horizontalpodautoscaler"]["spec"]
    assert spec["scaleTargetRef"] == before["scaleTargetRef"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (before["minReplicas"], before["maxReplicas"])
    assert spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == before["behavior"]
    cpu, waiting = spec["triggers"]
    [metric] = before["metrics"]
    assert int(cpu["metadata"]["value"]) == metric["resource"]["target"]["averageUtilization"]
    [selector] = selectors(waiting["metadata"]["query"])
    [matcher] = selector.matchers.matchers
    assert (matcher.name, matcher.value) == ("job", RESOURCES["service"]["metadata"]["name"])
    with TestClient(create_app(Settings(models_dir=MODELS_DIR))) as client:
        assert f"\n{selector.name} " in client.get("/metrics").text
    assert 0 < int(waiting["metadata"]["threshold"]) < Settings().max_waiting_texts


def test_keda_takes_the_place_of_the_autoscaler() -> None:
    [patch] = read("components/keda/kustomization.yaml")["patches"]
    deleted = yaml.safe_load(patch["patch"])
    replaced = RESOURCES["horizontalpodautoscaler"]
    assert deleted.pop("$patch") == "delete"
    assert (deleted["apiVersion"], deleted["kind"]) == (replaced["apiVersion"], replaced["kind"])
    assert deleted["metadata"]["name"] == patch["target"]["name"] == replaced["metadata"]["name"]


@pytest.fixture
def with_store() -> dict[str, Any]:
    return dict(merged(RESOURCES["deployment"], read("components/model-store/deployment.yaml")))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_deployment_with_models_from_a_store_is_valid(with_store: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(with_store, version, strict=True)
    policy = merged(RESOURCES["networkpolicy"], read("components/model-store/networkpolicy.yaml"))
    kubernetes_validate.validate(policy, version, strict=True)


def test_the_init_container_puts_models_where_the_service_reads_them(with_store: dict[str, Any]) -> None:
    pod = with_store["spec"]["template"]["spec"]
    [pull], [serve] = pod["initContainers"], pod["containers"]
    assert pull["args"][:2] == ["models", "pull"]
    folder = pull["args"][pull["args"].index("--models-dir") + 1]
    assert f"SENTIMENT_MODELS_DIR={folder}\n" in (FOLDER.parents[1] / "Dockerfile").read_text()  # of the slim image
    mounts = [{mount["name"]: mount for mount in each["volumeMounts"]} for each in (pull, serve)]
    assert [each["models"]["mountPath"] for each in mounts] == [folder, folder]
    assert mounts[1]["models"]["readOnly"] is True
    assert {"models", "tmp"} == {volume["name"] for volume in pod["volumes"]}
    assert pull["securityContext"] == serve["securityContext"]
    images = read("components/model-store/kustomization.yaml")["images"]
    assert {each["name"] for each in images} == {pull["image"], serve["image"]}
    for image in images:
        assert PINNED.fullmatch(f"{image['newName']}:{image['newTag']}")


RUNTIME = read("kserve/servingruntime.yaml")["spec"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_containers_of_the_runtime_are_valid(version: str) -> None:
    pod = {"containers": RUNTIME["containers"], "volumes": RUNTIME["volumes"]}
    kubernetes_validate.validate(pod_of(pod), version, strict=True)


def test_the_runtime_runs_what_the_service_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    [container] = RUNTIME["containers"]
    assert container["name"] == "kserve-container"  # which KServe completes
    for name in [name for name in os.environ if name.startswith("SENTIMENT_")]:
        monkeypatch.delenv(name)
    for variable in container["env"]:
        assert variable["name"].removeprefix("SENTIMENT_").lower() in Settings.model_fields
        monkeypatch.setenv(variable["name"], variable["value"])
    settings = Settings.load()
    [port] = container["ports"]
    assert settings.port == port["containerPort"] == int(RUNTIME["annotations"]["prometheus.kserve.io/port"])
    assert str(settings.models_dir) == "/mnt/models"  # where KServe's storage initializer puts what it fetches
    with TestClient(create_app(settings.model_copy(update={"models_dir": MODELS_DIR}))) as client:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert client.get(container[probe]["httpGet"]["path"]).status_code == 200
            assert container[probe]["httpGet"]["port"] == port["containerPort"]


def test_the_inference_service_asks_for_the_runtime_and_a_model_that_there_is() -> None:
    service = read("kserve/inferenceservice.yaml")
    predictor = service["spec"]["predictor"]
    [form] = RUNTIME["supportedModelFormats"]
    assert predictor["model"]["modelFormat"] == {"name": form["name"], "version": form["version"]}
    assert predictor["model"]["runtime"] == read("kserve/servingruntime.yaml")["metadata"]["name"]
    assert predictor["model"]["protocolVersion"] in RUNTIME["protocolVersions"]
    assert predictor["terminationGracePeriodSeconds"] > 15 + Settings().shutdown_seconds
    with TestClient(create_app(Settings(models_dir=MODELS_DIR))) as client:
        assert client.get(f"/v1/models/{service['metadata']['name']}").status_code == 200
