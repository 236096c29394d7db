"""The models folder changes while the service runs."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import BundleError, DefaultModelError, ModelNotFoundError
from service.inference.predictor import Prediction
from service.models.fleet import Fleet
from service.models.repository import IndexEntry, Repository
from service.settings import Settings
from tests.service.conftest import BundleFolder, write_korean_bundle, write_small_bundle


@pytest.fixture
def models_dir(small: BundleFolder) -> Path:
    return small.path.parents[1]


@pytest.fixture
def repository(models_dir: Path) -> Repository:
    repository = Repository.open(Settings(models_dir=models_dir, model="small"), Fleet.private())
    repository.start()
    return repository


def reload(repository: Repository) -> None:
    repository.ask_for_reload()
    asyncio.run(repository.follow())


def versions(repository: Repository) -> list[int]:
    return [predictor.manifest.version for predictor in repository.registry]


def good(repository: Repository) -> Prediction:
    [prediction] = repository.registry.default.predict(["good"])
    return prediction


def add_other_model(models_dir: Path) -> BundleFolder:
    shutil.copytree(models_dir / "small", models_dir / "other")
    other = BundleFolder(models_dir / "other" / "1")
    other.change_manifest(name="other")
    return other


def test_a_new_version_takes_over_and_the_old_one_can_still_be_asked_for(
    repository: Repository, models_dir: Path
) -> None:
    old = repository.registry.default
    write_small_bundle(models_dir, version=2, bias=-9)
    asyncio.run(repository.follow())
    assert versions(repository) == [1]  # nobody has asked for it
    reload(repository)
    assert versions(repository) == [1, 2]
    assert repository.registry.default.manifest.version == 2
    assert good(repository).label == "negative"
    assert repository.registry.get(version=1) is old  # kept, not loaded again


def test_a_broken_version_is_refused_and_the_old_one_stays(
    repository: Repository, models_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    new = write_small_bundle(models_dir, version=2)
    (new.path / "model.onnx").write_bytes(b"broken")
    reload(repository)
    assert versions(repository) == [1]
    assert good(repository).label == "positive"
    assert "model.onnx" in caplog.text
    ready, refused = repository.index()
    assert ready == IndexEntry("small", 1, "READY")
    assert (refused.version, refused.state) == (2, "UNAVAILABLE")
    assert "SHA-256" in refused.reason


def test_a_version_that_was_replaced_is_loaded_again_and_if_broken_stays_as_it_was(
    repository: Repository, small: BundleFolder, models_dir: Path
) -> None:
    shutil.rmtree(small.path)
    write_small_bundle(models_dir, bias=-9)
    reload(repository)
    assert good(repository).label == "negative"
    small.change_manifest(threshold=7)
    reload(repository)
    assert good(repository).label == "negative"
    [entry] = repository.index()
    assert entry.state == "READY"
    assert "threshold" in entry.reason


def test_a_version_that_is_gone_is_served_no_more(repository: Repository, models_dir: Path) -> None:
    new = write_small_bundle(models_dir, version=2)
    reload(repository)
    shutil.rmtree(new.path)
    reload(repository)
    assert versions(repository) == [1]


def test_without_the_default_model_nothing_changes(
    repository: Repository, models_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_other_model(models_dir)
    shutil.rmtree(models_dir / "small")
    reload(repository)
    assert good(repository).label == "positive"
    assert "nothing was reloaded" in caplog.text
    shutil.rmtree(models_dir)
    reload(repository)
    assert good(repository).label == "positive"


def test_a_model_is_loaded_and_unloaded_by_name(repository: Repository, models_dir: Path) -> None:
    add_other_model(models_dir)
    asyncio.run(repository.load("other"))
    assert [entry.state for entry in repository.index()] == ["READY", "READY"]
    asyncio.run(repository.unload("other"))
    with pytest.raises(ModelNotFoundError):
        repository.registry.get("other")
    assert repository.index()[0] == IndexEntry("other", 1, "UNAVAILABLE", "unloaded")
    reload(repository)
    assert repository.index()[0].state == "UNAVAILABLE"  # until it is loaded again
    asyncio.run(repository.load("other"))
    assert repository.registry.get("other").manifest.name == "other"


def test_what_cannot_be_loaded_or_unloaded_is_said(repository: Repository, models_dir: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        asyncio.run(repository.load("other"))
    with pytest.raises(ModelNotFoundError):
        asyncio.run(repository.unload("other"))
    with pytest.raises(DefaultModelError):
        asyncio.run(repository.unload("small"))
    add_other_model(models_dir).replace_file("model.onnx", b"broken")
    with pytest.raises(BundleError, match=r"other/1/model\.onnx"):
        asyncio.run(repository.load("other"))


def test_another_process_follows(repository: Repository, models_dir: Path) -> None:
    other = Repository.open(Settings(models_dir=models_dir, model="small"), repository._fleet)
    write_small_bundle(models_dir, version=2)
    asyncio.run(repository.load("small"))
    assert versions(other) == [1]
    asyncio.run(other.follow())
    assert versions(other) == [1, 2]


def test_a_broken_bundle_stops_a_start_but_not_that_of_a_replaced_worker(models_dir: Path) -> None:
    write_small_bundle(models_dir, version=2).change_manifest(threshold=7)
    settings = Settings(models_dir=models_dir, model="small")
    with pytest.raises(BundleError, match="threshold"):
        Repository.open(settings, Fleet.private())
    assert versions(Repository.open(settings, Fleet.private(), lenient=True)) == [1]


def test_a_worker_keeps_the_models_that_its_parent_has_loaded(repository: Repository, models_dir: Path) -> None:
    loaded = list(repository.registry)
    write_small_bundle(models_dir, version=2)
    forked = Repository.open(Settings(models_dir=models_dir, model="small"), Fleet.private(), loaded=loaded)
    assert [predictor in loaded for predictor in forked.registry] == [True, False]


def gone(models_dir: Path) -> None:
    shutil.rmtree(models_dir)


def without_default(models_dir: Path) -> None:
    add_other_model(models_dir)
    shutil.rmtree(models_dir / "small")


@pytest.mark.parametrize("lose", [gone, without_default])
def test_a_replaced_worker_serves_the_models_of_the_start_where_the_folder_has_none(
    repository: Repository, models_dir: Path, lose: Callable[[Path], None]
) -> None:
    settings, fleet = Settings(models_dir=models_dir, model="small"), repository._fleet
    loaded = list(repository.registry)
    lose(models_dir)
    replaced = Repository.open(settings, fleet, lenient=True, loaded=loaded)
    assert list(replaced.registry) == loaded
    with pytest.raises(BundleError):
        Repository.open(settings, fleet, lenient=True)
    with pytest.raises(BundleError):
        Repository.open(settings, fleet, loaded=loaded)
    write_small_bundle(models_dir, version=2)
    reload(replaced)
    assert replaced.registry.default.manifest.version == 2


def test_under_auto_a_language_follows_its_models(models_dir: Path) -> None:
    repository = Repository.open(Settings(models_dir=models_dir, model="auto"), Fleet.private())
    repository.start()

    def of_korean() -> str:
        return str(repository.registry.choice().of("좋다").name)

    assert of_korean() == "small/1"
    write_korean_bundle(models_dir)
    reload(repository)
    assert of_korean() == "small-korean/1"
    write_korean_bundle(models_dir, version=2)
    reload(repository)
    assert of_korean() == "small-korean/2"
    asyncio.run(repository.unload("small-korean"))
    assert of_korean() == "small/1"
    with pytest.raises(DefaultModelError):
        asyncio.run(repository.unload("small"))
