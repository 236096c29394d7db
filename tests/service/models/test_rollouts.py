"""Rollouts change while the service runs."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from service.errors import BundleError, ModelNotFoundError
from service.models.fleet import Fleet
from service.models.loading import load_choice
from service.models.repository import Repository
from service.settings import Settings
from tests.service.conftest import BundleFolder, write_korean_bundle, write_small_bundle


@pytest.fixture
def models_dir(small: BundleFolder) -> Path:
    write_small_bundle(small.path.parents[1], version=2)
    return small.path.parents[1]


def say(models_dir: Path, content: object, name: str = "small") -> None:
    new = models_dir / "new"
    new.write_text(json.dumps(content))
    new.replace(models_dir / name / "rollout.json")


def opened(models_dir: Path, fleet: Fleet | None = None, lenient: bool = False, **settings: Any) -> Repository:
    chosen = Settings(models_dir=models_dir, **{"model": "small", **settings})
    repository = Repository.open(chosen, fleet or Fleet.private(), lenient)
    repository.start()
    return repository


def follow(repository: Repository) -> None:
    asyncio.run(repository.follow())


def default(repository: Repository) -> int:
    return repository.registry.default.name.version


def test_a_rollout_is_followed_without_being_told(models_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    repository = opened(models_dir)
    assert default(repository) == 2
    say(models_dir, {"labels": {"stable": 1}, "serve": "stable"})
    follow(repository)
    assert default(repository) == 1
    assert repository.registry.get("small", "stable").name.version == 1
    assert "rollout of small" in caplog.text
    (models_dir / "small" / "rollout.json").unlink()
    follow(repository)
    assert default(repository) == 2
    with pytest.raises(ModelNotFoundError, match="no version stable"):
        repository.registry.get("small", "stable")


def test_nothing_is_read_again_while_nothing_changes(models_dir: Path) -> None:
    say(models_dir, {"serve": 1})
    repository = opened(models_dir)
    registry = repository.registry
    follow(repository)
    assert repository.registry is registry


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"serve": "stable"}, "no label"),
        ({"serve": 3}, "version 3, which has no folder"),
        ({"serve": 1, "shadow": {"version": 3, "share": 0.5}}, "version 3, which has no folder"),
        ({"serve": 1, "shadow": {"version": 1, "share": 0.5}}, "shadow: version 1 answers most requests itself"),
        ({"shadow": {"version": 2, "share": 0.5}}, "shadow: version 2 answers most requests itself"),
    ],
)
def test_a_wrong_file_is_refused_and_the_one_before_it_stays(
    models_dir: Path, content: object, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    say(models_dir, {"serve": 1})
    repository = opened(models_dir)
    say(models_dir, content)
    follow(repository)
    assert default(repository) == 1
    assert reason in repository.rollouts["small"].refusal
    assert reason in caplog.text
    with pytest.raises(BundleError, match=reason):
        asyncio.run(repository.load("small"))
    say(models_dir, {"serve": 2})
    follow(repository)
    assert (default(repository), repository.rollouts["small"].fault) == (2, "")


def test_a_wrong_file_stops_a_start_and_a_replaced_worker_takes_what_is_in_force(models_dir: Path) -> None:
    fleet = Fleet.private()
    say(models_dir, {"labels": {"stable": 1}, "serve": "stable"})
    follow(first := opened(models_dir, fleet))
    assert default(first) == 1
    say(models_dir, {"serve": "stable"})
    with pytest.raises(BundleError, match="no label"):
        opened(models_dir)
    assert default(opened(models_dir, fleet, lenient=True)) == 1


def test_a_version_that_nobody_has_loaded_yet_is_loaded_when_a_rollout_names_it(models_dir: Path) -> None:
    say(models_dir, {"serve": 2})
    repository = opened(models_dir)
    write_small_bundle(models_dir, version=3)
    follow(repository)
    assert [p.name.version for p in repository.registry] == [1, 2]
    say(models_dir, {"labels": {"next": 3}, "serve": 3})
    follow(repository)
    assert default(repository) == 3
    assert repository.rollouts["small"].fault == ""


def test_a_version_that_fails_to_load_gets_nothing(models_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    say(models_dir, {"serve": 2})
    repository = opened(models_dir)
    write_small_bundle(models_dir, version=3).change_manifest(threshold=7)
    say(models_dir, {"labels": {"next": 3}, "serve": {"2": 50, "next": 50}})
    follow(repository)
    assert {repository.registry.choice().default.name.version for _ in range(50)} == {2}
    assert repository.rollouts["small"].missing == (3,)
    assert "version 3 is not loaded" in caplog.text
    with pytest.raises(ModelNotFoundError, match="next is the label of version 3 of model small, which is not loaded"):
        repository.registry.get("small", "next")
    say(models_dir, {"serve": 3})
    follow(repository)
    assert default(repository) == 2
    assert "nothing that it serves could be loaded (3)" in repository.rollouts["small"].refusal


def test_a_version_that_is_repaired_gets_its_share_at_the_next_reload(models_dir: Path) -> None:
    say(models_dir, {"serve": {"1": 50, "3": 50}})
    broken = write_small_bundle(models_dir, version=3)
    manifest = broken.manifest()
    broken.change_manifest(threshold=7)
    repository = opened(models_dir, lenient=True)
    assert not repository.registry.divides
    broken.change_manifest(threshold=manifest["threshold"])
    repository.ask_for_reload()
    follow(repository)
    assert repository.registry.divides
    assert repository.rollouts["small"].fault == ""


def test_a_served_version_that_is_gone_leaves_its_share_to_the_others(models_dir: Path) -> None:
    say(models_dir, {"serve": {"1": 50, "2": 50}})
    repository = opened(models_dir)
    shutil.rmtree(models_dir / "small" / "2")
    repository.ask_for_reload()
    follow(repository)
    assert default(repository) == 1
    assert not repository.registry.divides
    assert "version 2, which has no folder" in repository.rollouts["small"].refusal


def test_a_shadow_is_compared_with_the_version_that_most_requests_get(models_dir: Path) -> None:
    say(
        models_dir, {"labels": {"next": 2}, "serve": {"1": 60, "next": 40}, "shadow": {"version": "next", "share": 0.5}}
    )
    pairs = opened(models_dir).registry.pairs
    assert [(str(pair.answering.name), str(pair.shadow.name), pair.share) for pair in pairs.values()] == [
        ("small/1", "small/2", 0.5)
    ]
    assert opened(models_dir, model_version=2).registry.pairs == {}  # the setting goes before what is served


def test_a_shadow_that_fails_to_load_reads_nothing_and_is_told(models_dir: Path) -> None:
    write_small_bundle(models_dir, version=3).change_manifest(threshold=7)
    say(models_dir, {"serve": 1, "shadow": {"version": 3, "share": 0.5}})
    repository = opened(models_dir, lenient=True)
    assert repository.registry.pairs == {}
    assert repository.rollouts["small"].missing == (3,)


def test_processes_tell_whether_they_follow(models_dir: Path) -> None:
    repository = opened(models_dir)
    other = repository._fleet._workers / "1"  # a process that has read nothing yet
    other.write_text('{"generation": 0, "revisions": {}}')
    assert repository.following("small") == (2, 2)
    say(models_dir, {"serve": 1})
    follow(repository)
    assert repository.following("small") == (1, 2)
    revision = repository.rollouts["small"].revision
    other.write_text(json.dumps({"generation": 0, "revisions": {"small": revision}}))
    assert repository.following("small") == (2, 2)


def test_a_setting_may_be_a_label_and_goes_before_what_is_served(
    models_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    say(models_dir, {"labels": {"stable": 1, "next": 2}, "serve": {"stable": 50, "next": 50}})
    repository = opened(models_dir, model_version="stable")
    assert default(repository) == 1
    assert not repository.registry.divides
    say(models_dir, {"labels": {"stable": 2}})
    follow(repository)
    assert default(repository) == 2
    say(models_dir, {"labels": {"next": 1}})
    follow(repository)
    assert default(repository) == 2  # what the setting names must be there
    assert "no version stable" in repository.rollouts["small"].refusal
    assert "no version stable" in caplog.text


def test_under_auto_each_model_has_its_rollout(models_dir: Path) -> None:
    write_korean_bundle(models_dir)
    write_korean_bundle(models_dir, version=2)
    say(models_dir, {"serve": {"1": 50, "2": 50}}, "small-korean")
    say(models_dir, {"serve": 1})
    registry = opened(models_dir, model="auto").registry
    choices = [registry.choice("auto", key=f"user-{n}") for n in range(60)]
    assert {str(choice.of("good").name) for choice in choices} == {"small/1"}
    assert {str(choice.of("좋다").name) for choice in choices} == {"small-korean/1", "small-korean/2"}
    assert [str(registry.choice("auto", key=f"user-{n}").of("좋다").name) for n in range(60)] == [
        str(choice.of("좋다").name) for choice in choices
    ]


@pytest.mark.parametrize(("asked", "version"), [(None, 1), ("next", 2), (2, 2)])
def test_the_command_line_takes_the_version_that_most_requests_get(
    models_dir: Path, asked: int | str | None, version: int
) -> None:
    say(models_dir, {"labels": {"next": 2}, "serve": {"1": 60, "next": 40}})
    settings = Settings(models_dir=models_dir, model="small", model_version=asked)
    assert load_choice(settings).default.name.version == version


def test_the_command_line_is_told_which_labels_there_are(models_dir: Path) -> None:
    say(models_dir, {"labels": {"next": 2}})
    with pytest.raises(BundleError, match="no version stable; it has 1, 2, next"):
        load_choice(Settings(models_dir=models_dir, model="small", model_version="stable"))
