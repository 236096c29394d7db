import shutil
from pathlib import Path

import pytest

from service.errors import BundleError, ModelNotFoundError
from service.models.loading import load_models
from service.models.registry import Registry
from service.settings import Settings
from tests.service.conftest import BundleFolder, write_small_bundle


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    for version in (1, 2, 10):
        write_small_bundle(tmp_path, version)
    return tmp_path


def load(models_dir: Path, name: str = "small", version: int | None = None) -> Registry:
    predictors, refused = load_models(Settings(models_dir=models_dir), loaded={})
    assert not refused
    return Registry(predictors, name, version)


def test_the_highest_version_answers_by_default(models_dir: Path) -> None:
    assert load(models_dir).default.manifest.version == 10


def test_a_setting_chooses_another_default(models_dir: Path) -> None:
    registry = load(models_dir, version=2)
    assert registry.default.manifest.version == 2
    assert registry.get().manifest.version == 2


def test_every_version_can_be_asked_for(models_dir: Path) -> None:
    registry = load(models_dir)
    assert [registry.get(version=v).manifest.version for v in (1, 2, 10)] == [1, 2, 10]
    assert [p.manifest.version for p in registry.versions("small")] == [1, 2, 10]


def test_a_missing_model_or_version_is_told_what_there_is(models_dir: Path) -> None:
    registry = load(models_dir)
    with pytest.raises(ModelNotFoundError, match="it has 1, 2, 10"):
        registry.get(version=3)
    with pytest.raises(ModelNotFoundError, match="there is small"):
        registry.get("other")


@pytest.mark.parametrize(("name", "version"), [("small", 3), ("other", None)])
def test_a_default_that_is_not_there_stops_the_start(models_dir: Path, name: str, version: int | None) -> None:
    with pytest.raises(BundleError, match="default"):
        load(models_dir, name, version)


def test_auto_has_a_model_for_each_language_and_the_first_for_all_others(two_languages: Settings) -> None:
    registry = load(two_languages.models_dir, "auto")
    assert registry.default_name == "small"
    for choice in (registry.choice(), registry.choice("auto")):
        assert choice.auto
        assert [choice.of(text).name.name for text in ("good", "좋다", "映画")] == ["small", "small-korean", "small"]
    assert not registry.choice("small-korean").auto


def test_the_default_model_is_that_of_its_language(two_languages: Settings) -> None:
    shutil.copytree(two_languages.models_dir / "small", two_languages.models_dir / "a-small")
    BundleFolder(two_languages.models_dir / "a-small" / "1").change_manifest(name="a-small")
    assert load(two_languages.models_dir, "small").choice("auto").of("good").name.name == "small"
    assert load(two_languages.models_dir, "auto").choice().of("good").name.name == "a-small"


def test_auto_with_nothing_to_choose_from_stops_the_start() -> None:
    with pytest.raises(BundleError, match="default"):
        Registry([], "auto")
