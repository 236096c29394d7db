"""The clients of KServe (in V1 mode) and infinity, and KServe's models of the manifests in docker/kubernetes/kserve."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.conftest import ROOT
from tests.service.conftest import write_small_bundle
from tests.service.running import running

MANIFESTS = ROOT / "docker/kubernetes/kserve"
KINDS = {"servingruntime": "V1alpha1ServingRuntime", "inferenceservice": "V1beta1InferenceService"}


def told_by(*arguments: str) -> str:
    python = os.environ.get("CLIENTS_PYTHON")
    if not python:
        pytest.skip("CLIENTS_PYTHON is not set: it names a Python after pip install kserve infinity_client")
    command = [python, str(Path(__file__).with_name("ask.py")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    models: Path = tmp_path_factory.mktemp("apart") / "models"
    write_small_bundle(models)
    with running("--models-dir", str(models), "--model", "small", "--workers", "1") as service:
        yield service.address


def test_kserve_s_client_gets_answers_and_raises_its_own_error_with_our_message(address: str) -> None:
    told = json.loads(told_by("kserve", address))
    assert [each["label"] for each in told["answer"]["predictions"]] == ["positive", "negative"]
    assert told["ready"] is True
    (blank_kind, blank), (unknown_kind, unknown) = told["errors"]
    assert blank_kind == unknown_kind == "httpx.HTTPStatusError"  # as its documentation says
    assert "instances[0]: The text is blank; there is nothing to judge." in blank
    assert "400" in blank
    assert "There is no model 'other'; there is small." in unknown
    assert "404" in unknown


def test_infinity_s_client_gets_answers_and_raises_its_own_error_with_our_message(address: str) -> None:
    told = json.loads(told_by("infinity", address))
    assert told["answers"] == [["positive", "negative"], ["negative"]]
    assert [status for status, _ in told["errors"]] == [400, 404] * 2
    assert "input[0]: The text is blank; there is nothing to judge." in told["errors"][0][1]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_kserve_s_models_know_every_field_of_our_manifests(name: str, tmp_path: Path) -> None:
    path = MANIFESTS / f"{name}.yaml"
    assert told_by("check", str(path), KINDS[name]).strip() == ""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(path.read_text().replace("spec:\n", "spec:\n  replica: 1\n", 1))
    assert "has no replica" in told_by("check", str(wrong), KINDS[name])
