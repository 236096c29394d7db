"""`python -m service rollout`: shows and changes `rollout.json`, and waits for the service."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.__main__ import cli
from service.errors import ServiceError
from tests.service.conftest import BundleFolder, write_small_bundle
from tests.service.running import running


@pytest.fixture
def models_dir(small: BundleFolder) -> Path:
    write_small_bundle(small.path.parents[1], version=2)
    return small.path.parents[1]


@pytest.fixture
def rollout(models_dir: Path) -> Callable[..., Result]:
    def run(*arguments: str) -> Result:
        flags = ["--models-dir", str(models_dir), "--model", "small"]
        return CliRunner().invoke(cli, ["rollout", *flags, *arguments])

    return run


def content(models_dir: Path) -> object:
    return json.loads((models_dir / "small" / "rollout.json").read_text())


def test_it_shows_what_there_is(rollout: Callable[..., Result]) -> None:
    assert rollout().output == "small:\n  1\n  2  answers every request\n"


def test_labels_are_given_moved_and_removed(rollout: Callable[..., Result], models_dir: Path) -> None:
    rollout("label", "stable", "1")
    assert rollout("label", "next", "2").output == "small:\n  1  stable\n  2  next, answers every request\n"
    rollout("label", "previous", "stable")
    rollout("label", "stable", "next")
    rollout("label", "--remove", "next")
    assert content(models_dir) == {"labels": {"stable": 2, "previous": 1}}


def test_versions_are_served_and_split(rollout: Callable[..., Result], models_dir: Path) -> None:
    rollout("label", "stable", "1")
    rollout("serve", "stable")
    assert content(models_dir) == {"labels": {"stable": 1}, "serve": "stable"}
    shown = rollout("split", "stable=95", "2=5").output
    assert shown == "small:\n  1  stable, answers 95 % of the requests\n  2  answers 5 % of the requests\n"
    assert content(models_dir) == {"labels": {"stable": 1}, "serve": {"stable": 95, "2": 5}}
    rollout("serve", "--highest")
    assert content(models_dir) == {"labels": {"stable": 1}}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["serve", "stable"], "there is no label 'stable'"),
        (["serve", "3"], "version 3, which has no folder here; there is 1, 2"),
        (["serve", "-3"], "No such option"),
        (["serve"], "Give a version, or --highest"),
        (["label", "next"], "Give a version, or --remove"),
        (["label", "1", "2"], "'1' is no label"),
        (["label", "next", "0"], "a number from 1 on"),
        (["label", "--remove", "next"], "There is no label 'next'"),
        (["split", "1"], "VERSION=WEIGHT, such as stable=95"),
        (["split", "1=a"], "VERSION=WEIGHT, such as stable=95"),
        (["split", "1=0"], "the weights should be"),
        (["shadow", "next"], "there is no label 'next'"),
        (["shadow", "3"], "version 3, which has no folder here; there is 1, 2"),
        (["shadow", "2"], "version 2 answers most requests itself; let another version read along, or none"),
        (["shadow", "1", "--share", "0"], "not in the range"),
        (["shadow", "1", "--remove"], "Give a version, or --remove"),
        (["shadow"], "Give a version, or --remove"),
        (["serve", "1", "--model", "other"], "there is no model 'other'; there is small"),
        (["serve", "1", "--models-dir", "s3://bucket/models"], "write small/rollout.json there"),
    ],
)
def test_what_the_service_would_refuse_is_not_written(
    rollout: Callable[..., Result], models_dir: Path, arguments: list[str], reason: str
) -> None:
    result = rollout(*arguments)
    assert result.exit_code != 0
    assert reason in (str(result.exception) if isinstance(result.exception, ServiceError) else result.output)
    assert not (models_dir / "small" / "rollout.json").exists()


def test_a_version_reads_along_until_it_is_taken_away(rollout: Callable[..., Result], models_dir: Path) -> None:
    rollout("label", "next", "2")
    rollout("serve", "1")
    shown = rollout("shadow", "next", "--share", "0.25").output
    assert shown == "small:\n  1  answers every request\n  2  next, shadow, reads 25 % of the texts\n"
    rule = {"version": "next", "share": 0.25}
    assert content(models_dir) == {"labels": {"next": 2}, "serve": 1, "shadow": rule}
    assert "let another version read along, or none" in str(rollout("serve", "next").exception)
    rollout("shadow", "--remove")
    assert content(models_dir) == {"labels": {"next": 2}, "serve": 1}


def test_a_label_that_is_served_cannot_be_removed(rollout: Callable[..., Result], models_dir: Path) -> None:
    rollout("label", "stable", "1")
    rollout("serve", "stable")
    assert "there is no label 'stable'" in str(rollout("label", "--remove", "stable").exception)
    assert content(models_dir) == {"labels": {"stable": 1}, "serve": "stable"}


def test_it_waits_until_every_process_follows_and_tells_a_refusal(
    rollout: Callable[..., Result], models_dir: Path
) -> None:
    flags = ["--models-dir", str(models_dir), "--model", "small", "--workers", "2"]
    with running(*flags, SENTIMENT_API_KEYS="key") as service:
        _, port = service.host_and_port
        there = ["--wait", "--port", str(port), "--api-keys", "key"]
        assert rollout("serve", "1", *there).exit_code == 0
        versions = set()
        for _ in range(10):
            with service.client() as client:  # a new connection, which any process may take
                response = client.post("/predict", json={"text": "good"}, headers={"X-API-Key": "key"})
            versions.add(response.json()["model"]["version"])
        assert versions == {1}
        write_small_bundle(models_dir, version=3).change_manifest(threshold=7)
        assert "could be loaded" in str(rollout("serve", "3", *there).exception)
        assert "answers 401" in str(rollout("serve", "1", *there[:-1], "wrong").exception)
    assert "nothing answers at" in str(rollout("serve", "2", *there).exception)
