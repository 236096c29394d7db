"""Models that come and go while the service runs, and nobody tells it."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from service.models.fleet import Fleet
from service.models.repository import Repository
from service.settings import Settings
from tests.service.conftest import BundleFolder, write_small_bundle


def versions(repository: Repository) -> list[int]:
    return [predictor.manifest.version for predictor, _ in repository.models()]


def follow(repository: Repository, times: int = 1) -> None:
    async def several_times() -> None:
        for _ in range(times):
            await repository.follow()

    asyncio.run(several_times())


@pytest.fixture
def open_repository(small: BundleFolder) -> Callable[[bool], Repository]:
    def open_it(watch: bool) -> Repository:
        settings = Settings(models_dir=small.path.parents[1], model="small", watch_models=watch)
        return Repository.open(settings, Fleet.private())

    return open_it


def test_a_new_version_is_served_without_being_told(
    small: BundleFolder, open_repository: Callable[[bool], Repository]
) -> None:
    repository = open_repository(True)
    write_small_bundle(small.path.parents[1], version=2)
    follow(repository)
    assert versions(repository) == [1, 2]
    shutil.rmtree(small.path)
    follow(repository)
    assert versions(repository) == [2]


def test_without_watching_it_takes_a_reload(small: BundleFolder, open_repository: Callable[[bool], Repository]) -> None:
    repository = open_repository(False)
    write_small_bundle(small.path.parents[1], version=2)
    follow(repository)
    assert versions(repository) == [1]
    repository.ask_for_reload()
    follow(repository)
    assert versions(repository) == [1, 2]


def test_a_version_that_is_copied_slowly_is_served_once_it_is_whole(
    small: BundleFolder, open_repository: Callable[[bool], Repository], tmp_path: Path
) -> None:
    repository = open_repository(True)
    second = write_small_bundle(tmp_path / "elsewhere", version=2).path
    target = small.path.parent / "2"
    target.mkdir()
    for name in ("manifest.json", "model.onnx"):
        shutil.copy(second / name, target)
        follow(repository)
        assert versions(repository) == [1]
    shutil.copy(second / "vocabulary.txt", target)
    follow(repository)
    assert versions(repository) == [1, 2]


def test_a_folder_in_which_nothing_changes_is_not_loaded_again(
    small: BundleFolder, open_repository: Callable[[bool], Repository]
) -> None:
    repository = open_repository(True)
    registry = repository.registry
    follow(repository, times=3)
    assert repository.registry is registry
    os.utime(small.path / "manifest.json", ns=(1, 1))
    follow(repository)
    assert repository.registry is not registry
