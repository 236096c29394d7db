"""Loading of the bundles in the models folder."""

from collections.abc import Collection, Mapping
from pathlib import Path

from service.errors import BundleError
from service.inference.bundle import find_bundles, find_versions, one_line, open_bundle
from service.inference.languages import AUTO
from service.inference.precision import choose_precision
from service.inference.predictor import Predictor
from service.models.model_choice import Choice, by_language
from service.models.registry import ModelKey
from service.models.rollout import read_rollout
from service.settings import Settings


def load_models(
    settings: Settings, loaded: Mapping[ModelKey, Predictor], unwanted: Collection[str] = ()
) -> tuple[list[Predictor], dict[ModelKey, str]]:
    """Load the bundles in the models folder.

    Args:
        settings: name the folder and the precision.
        loaded: predictors to keep if their bundle has not changed, or cannot be used any more.
        unwanted: names of models to leave out.

    Returns:
        The predictors, and the faults of the bundles that cannot be used, by name and version.

    Raises:
        BundleError: the folder is not there or holds no bundle.
    """
    predictors: list[Predictor] = []
    refused: dict[ModelKey, str] = {}
    for path in find_bundles(settings.models_dir):
        key = path.parent.name, int(path.name)
        if key[0] in unwanted:
            continue
        predictor = loaded.get(key)
        try:
            predictor = _load(path, settings, predictor)
        except BundleError as error:
            refused[key] = str(error)
        if predictor is not None:
            predictors.append(predictor)
    return predictors, refused


def load_choice(settings: Settings) -> Choice:
    """Load only the models of the default choice, for the command line: of each the version that most requests get.

    Raises:
        BundleError: a model is missing or cannot be used.
    """
    if settings.model == AUTO:
        by_model: dict[str, dict[int, Path]] = {}
        for path in find_bundles(settings.models_dir):
            by_model.setdefault(path.parent.name, {})[int(path.name)] = path
        predictors = [_load(_served(versions), settings) for versions in by_model.values()]
        return Choice(predictors[0], by_language(predictors), auto=True)
    versions = find_versions(settings.models_dir, settings.model)
    return Choice(_load(_named(versions, settings) if settings.model_version else _served(versions), settings))


def _served(versions: Mapping[int, Path]) -> Path:
    """Select the version of a model that most requests get."""
    return versions[read_rollout(next(iter(versions.values())).parent).main(versions)]


def _named(versions: Mapping[int, Path], settings: Settings) -> Path:
    """Select the version of a model that the settings name, by its number or label.

    Raises:
        BundleError: there is none.
    """
    version = settings.model_version
    labels = read_rollout(settings.models_dir / settings.model).labels if isinstance(version, str) else {}
    number = labels.get(version) if isinstance(version, str) else version
    if number is not None and number in versions:
        return versions[number]
    there = ", ".join([*map(str, versions), *labels])
    raise BundleError(
        f"{settings.models_dir}: model {settings.model} has no version {version}; it has {there}. "
        "--model-version chooses."
    )


def _load(path: Path, settings: Settings, loaded: Predictor | None = None) -> Predictor:
    """Load a bundle, or keep the predictor that is loaded if the bundle has not changed.

    Raises:
        BundleError: the bundle cannot be used.
    """
    try:
        bundle = open_bundle(path)
        if loaded and loaded.manifest == bundle.manifest:
            return loaded
        return Predictor.load(bundle, choose_precision(bundle, settings.precision))
    except BundleError:
        raise
    except Exception as error:  # the bundle is data from outside; one that breaks the reader must not stop the others
        raise BundleError(f"{path}: cannot be loaded: {type(error).__name__}: {one_line(error)}.") from error
