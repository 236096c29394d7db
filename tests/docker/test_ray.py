"""The job of a cluster is what KubeRay takes, and its image has what the job needs."""

import copy
import re
import shlex
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner

from service.__main__ import cli
from service.settings import Settings
from tests.docker.conftest import PINNED, ROOT
from tests.docker.kuberay import RAY_JOB
from tests.docker.test_kubernetes import VERSIONS

JOB = yaml.safe_load((ROOT / "docker/kubernetes/ray/rayjob.yaml").read_text())
CLUSTER = JOB["spec"]["rayClusterSpec"]
DOCKERFILE = (ROOT / "docker/ray.Dockerfile").read_text()
TEMPLATES = {
    "submitter": JOB["spec"]["submitterPodTemplate"],
    "head": CLUSTER["headGroupSpec"]["template"],
    "workers": CLUSTER["workerGroupSpecs"][0]["template"],
}


def test_the_job_is_one_of_kuberay() -> None:
    jsonschema.validate(JOB, RAY_JOB)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("spec", "entryPoint"), "python"),
        (("spec", "rayClusterSpec", "headGroupSpec", "rayStartParams", "num-cpus"), 0),
        (("spec", "rayClusterSpec", "workerGroups"), []),
        (("spec", "ttlSecondsAfterFinished"), "300"),
    ],
)
def test_the_schema_notices_a_wrong_field(place: tuple[str, ...], value: Any) -> None:
    wrong = copy.deepcopy(JOB)
    part = wrong
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, RAY_JOB)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", TEMPLATES)
def test_its_pods_are_valid_and_keep_to_the_restricted_standard(name: str, version: str) -> None:
    spec = TEMPLATES[name]["spec"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    kubernetes_validate.validate(pod, version, strict=True)
    assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"]) == (True, 10001)
    [container] = spec["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert PINNED.fullmatch(container["image"])


def test_its_command_is_one_of_the_command_line() -> None:
    command, _, otherwise = JOB["spec"]["entrypoint"].partition(" || ")
    assert otherwise == "test $? -eq 3"
    program, *arguments = shlex.split(command)
    assert (program, arguments[:3]) == ("python", ["-m", "service", "score"])
    assert CliRunner().invoke(cli, [*arguments[2:], "--help"]).exit_code == 0
    given = {word.removeprefix("--") for word in arguments if word.startswith("--")}
    assert given <= {option.lstrip("-") for parameter in cli.commands["score"].params for option in parameter.opts}


def test_its_variables_are_settings() -> None:
    for name in ("head", "workers"):
        [container] = TEMPLATES[name]["spec"]["containers"]
        assert {each["name"] for each in container["env"]} <= {f"SENTIMENT_{n.upper()}" for n in Settings.model_fields}


def test_the_image_has_the_version_of_ray_that_the_job_names() -> None:
    [version] = re.findall(r"^ray==(\S+)", (ROOT / "requirements/ray.txt").read_text(), re.M)
    assert CLUSTER["rayVersion"] == version


def test_the_image_has_the_packages_of_the_service_in_their_versions() -> None:
    def pinned(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==[^\s;]+", (ROOT / f"requirements/{name}.txt").read_text(), re.M))

    assert pinned("service") <= pinned("ray")
    assert "-r /build/ray.txt" in DOCKERFILE
    assert DOCKERFILE.rstrip().endswith("USER 10001:10001")


def test_a_login_shell_finds_the_environment_of_the_service() -> None:
    # KubeRay starts Ray with `bash -lc`, and /etc/profile sets PATH anew. A link to the environment's python from where
    # that link leads is a loop.
    assert "echo 'PATH=/venv/bin:$PATH' > /etc/profile.d/venv.sh" in DOCKERFILE
    assert "/usr/local/bin" not in DOCKERFILE
