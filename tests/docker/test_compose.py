"""docker-compose.yml and what it hands to the service."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings, env_file
from tests.docker.conftest import PINNED, ROOT, seconds

OURS = ["sentiment", "models", "train", "replica"]
EVERY = [*OURS, "load-balancer", "prometheus", "grafana"]
ELSEWHERE = {"SENTIMENT_HOST", "SENTIMENT_PORT"}
"""Set where the container is published, not in it."""


def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(compose["services"])


def test_these_are_all_services(compose: dict[str, Any]) -> None:
    assert set(services(compose)) == set(EVERY)


def test_the_example_of_env_is_what_the_settings_say() -> None:
    assert (ROOT / ".env.example").read_text() == env_file(), "python -m service settings > .env.example"


@pytest.mark.parametrize("name", ["sentiment", "replica"])
def test_every_setting_can_be_set(compose: dict[str, Any], name: str) -> None:
    variables = {f"SENTIMENT_{setting.upper()}" for setting in Settings.model_fields}
    assert set(services(compose)[name]["environment"]) == variables - ELSEWHERE
    text = (ROOT / "docker-compose.yml").read_text()
    for variable in ELSEWHERE | {"SENTIMENT_MODELS_DIR"}:
        assert f"${{{variable}:-" in text


def test_every_variable_of_compose_itself_is_explained(compose: dict[str, Any]) -> None:
    variables = set(re.findall(r"\$\{(\w+)", json.dumps(compose)))
    settings = {f"SENTIMENT_{setting.upper()}" for setting in Settings.model_fields}
    page = (ROOT / "docker" / "README.md").read_text()
    assert [variable for variable in sorted(variables - settings) if f"`{variable}`" not in page] == []


@pytest.mark.parametrize("name", EVERY)
def test_a_service_has_no_rights_and_no_more_than_its_share(compose: dict[str, Any], name: str) -> None:
    service = services(compose)[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert "privileged" not in service
    assert service["restart"] == ("no" if name in {"models", "train"} else "unless-stopped")


@pytest.mark.parametrize("name", EVERY)
def test_an_image_is_built_here_or_pinned(compose: dict[str, Any], name: str) -> None:
    service = services(compose)[name]
    if name in OURS:
        assert service["build"]["context"] == "."
    else:
        assert PINNED.fullmatch(service["image"])


def test_everything_is_published_on_this_machine_alone_unless_told_otherwise(compose: dict[str, Any]) -> None:
    published = [port for service in services(compose).values() for port in service.get("ports", [])]
    assert len(published) == 4
    for port in published:
        assert port.startswith(("127.0.0.1:", "${SENTIMENT_HOST:-127.0.0.1}:"))


def test_the_instances_answer_to_the_names_that_they_have_in_the_network(compose: dict[str, Any]) -> None:
    names = services(compose)["sentiment"]["environment"]["SENTIMENT_ALLOWED_HOSTS"]
    for name in ("sentiment", "replica", "load-balancer", "instances"):
        assert name in names


def test_grafana_has_no_account_and_is_for_looking(compose: dict[str, Any]) -> None:
    environment = services(compose)["grafana"]["environment"]
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert not [name for name in environment if "PASSWORD" in name]


def test_images_that_are_built_have_names_of_their_own(compose: dict[str, Any]) -> None:
    # Today's compose builds all at once, and two builds of one name fail.
    images = [service["image"] for service in services(compose).values() if "build" in service]
    assert len(set(images)) == len(images) == len(OURS)


@pytest.mark.parametrize("dockerfile", ["Dockerfile", "docker/train.Dockerfile"])
def test_the_base_image_is_the_same_everywhere_and_pinned(compose: dict[str, Any], dockerfile: str) -> None:
    found = re.search(r"^ARG BASE_IMAGE=(.+)$", (ROOT / dockerfile).read_text(), re.M)
    assert found
    assert PINNED.fullmatch(found[1])
    assert compose["x-build"]["args"]["BASE_IMAGE"] == f"${{BASE_IMAGE:-{found[1]}}}"


@pytest.mark.parametrize("dockerfile", ["Dockerfile", "docker/train.Dockerfile"])
def test_the_final_stage_runs_as_a_user_with_a_number_and_without_a_shell(dockerfile: str) -> None:
    stages = (ROOT / dockerfile).read_text().split("\nFROM ")[1:]
    by_name = {stage.split("\n")[0].split(" AS ")[-1]: stage for stage in stages}
    final, base = stages[-1], stages[-1].split()[0]
    while base in by_name:  # it begins with another stage
        final, base = by_name[base] + final, by_name[base].split()[0]
    assert "\nUSER 10001:10001\n" in final
    assert re.search(r'^ENTRYPOINT \["/venv/bin/python"', final, re.M)


def test_the_service_stage_is_the_last_one_and_holds_no_training() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^FROM \S+ AS (\w+)$", text, re.M)[-1] == "service"
    assert "training" not in re.sub(r"^#.*$", "", text, flags=re.M)


@pytest.mark.parametrize("name", ["sentiment", "replica"])
def test_stopping_waits_until_requests_in_work_are_done(compose: dict[str, Any], name: str) -> None:
    settings = Settings()
    grace = seconds(services(compose)[name]["stop_grace_period"])
    assert grace > settings.drain_seconds + settings.shutdown_seconds


@pytest.mark.parametrize("name", EVERY)
def test_what_is_mounted_from_the_project_is_there(compose: dict[str, Any], name: str) -> None:
    for volume in services(compose)[name].get("volumes", []):
        source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[0]
        if source.startswith("."):
            assert (ROOT / source).exists()
        else:
            assert source in compose["volumes"]


def test_the_service_cannot_write_its_models(compose: dict[str, Any]) -> None:
    [volume] = services(compose)["sentiment"]["volumes"]
    assert volume.endswith(":/models:ro")


def add_models(own: Path, volume: Path) -> str:
    command = [sys.executable, "-IS", str(ROOT / "docker" / "add_models.py"), str(own), str(volume)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_volume_gets_the_models_that_it_lacks_and_keeps_its_own(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    assert str(volume / "imdb-conv1d" / "1") in add_models(ROOT / "models", volume)
    (volume / "imdb-conv1d" / "1" / "manifest.json").write_text("another")
    (volume / "imdb-conv1d" / "7").mkdir()
    assert add_models(ROOT / "models", volume) == ""
    assert (volume / "imdb-conv1d" / "1" / "manifest.json").read_text() == "another"
    shutil.rmtree(volume / "imdb-conv1d" / "1")
    add_models(ROOT / "models", volume)
    own = {path.name: path.read_bytes() for path in (ROOT / "models" / "imdb-conv1d" / "1").iterdir()}
    assert {path.name: path.read_bytes() for path in (volume / "imdb-conv1d" / "1").iterdir()} == own
    assert sorted(path.name for path in (volume / "imdb-conv1d").iterdir() if path.name.isdecimal()) == ["1", "3", "7"]


def test_the_load_balancer_sees_a_draining_instance_before_it_stops_listening() -> None:
    config = (ROOT / "docker" / "haproxy" / "haproxy.cfg").read_text()
    found = re.search(r"check inter (\d+)ms fall 1\b", config)
    assert found
    assert 2 * int(found[1]) < 1000 * Settings().drain_seconds
    assert "uri /health/ready" in config


def test_the_load_balancer_does_not_take_a_busy_instance_for_a_stopped_one() -> None:
    found = re.search(r"^ +timeout check (\d+)s$", (ROOT / "docker" / "haproxy" / "haproxy.cfg").read_text(), re.M)
    assert found
    assert int(found[1]) > Settings().drain_seconds  # unlike one that says 503, which is seen at the next check


def test_haproxy_accepts_the_configuration(required_program: Callable[[str], str]) -> None:
    command = [required_program("haproxy"), "-c", "-f", str(ROOT / "docker/haproxy/haproxy.cfg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
