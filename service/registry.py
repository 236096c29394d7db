"""The models that are loaded, by name and version."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from service.choice import Choice, by_language
from service.errors import BundleError, InvalidRequestError, ModelNotFoundError
from service.inference.bundle import find_bundles, open_bundle
from service.inference.languages import AUTO
from service.inference.precision import choose_precision
from service.inference.predictor import Predictor
from service.settings import Settings

ModelKey = tuple[str, int]
"""A model's name and version."""


class Registry:
    """Every version of every model, and which of them answers when a request does not say. It never changes.

    Args:
        predictors: in the order of their names, and in rising order of version.
        default_name: the model for requests that name none; `auto` takes that of the text's language, and the first
            where that is not told.
        default_version: its version; None takes the highest.

    Raises:
        BundleError: the default is not among the predictors.
    """

    def __init__(self, predictors: list[Predictor], default_name: str, default_version: int | None = None) -> None:
        self._versions: dict[str, dict[int, Predictor]] = {}
        for predictor in predictors:
            manifest = predictor.manifest
            self._versions.setdefault(manifest.name, {})[manifest.version] = predictor
        is_auto = default_name == AUTO and bool(predictors)
        self.default_name = next(iter(self._versions)) if is_auto else default_name
        self._default_version = default_version
        try:
            self.default = self.get()
        except ModelNotFoundError as error:
            raise BundleError(f"The default model cannot be served: {error}") from error
        others = (self.get(name) for name in self._versions)
        self._auto = Choice(self.default, by_language([self.default, *others]), auto=True)
        self._unnamed = self._auto if is_auto else Choice(self.default)

    def __iter__(self) -> Iterator[Predictor]:
        for versions in self._versions.values():
            yield from versions.values()

    def get(self, name: str | None = None, version: int | None = None) -> Predictor:
        """The model asked for; without a version its default one.

        Raises:
            ModelNotFoundError: saying what there is instead.
        """
        name = self.default_name if name is None else name
        versions = self._versions.get(name)
        if versions is None:
            raise ModelNotFoundError(f"There is no model {name!r}; there is {', '.join(self._versions)}.")
        if version is None:
            version = self._default_version if name == self.default_name else None
        if version is None:
            return versions[max(versions)]
        if version not in versions:
            there = ", ".join(map(str, versions))
            raise ModelNotFoundError(f"Model {name} has no version {version}; it has {there}.")
        return versions[version]

    def choice(self, name: str | None = None, version: int | None = None) -> Choice:
        """What answers a request that asks for this; `auto` for the model of each text's language.

        Raises:
            ModelNotFoundError: there is no such model or version.
            InvalidRequestError: a version, but not of which model.
        """
        choice = self._unnamed if name is None else self._auto if name == AUTO else None
        if version is None and choice:
            return choice
        if choice and choice.auto:
            raise InvalidRequestError(f"Of which model is version {version} wanted? Name it: each text has its own.")
        return Choice(self.get(name, version))

    def versions(self, name: str) -> list[Predictor]:
        """Every loaded version of a model.

        Raises:
            ModelNotFoundError: there is none.
        """
        self.get(name)
        return list(self._versions[name].values())


def load_models(
    settings: Settings, loaded: Mapping[ModelKey, Predictor], unwanted: Collection[str] = ()
) -> tuple[list[Predictor], dict[ModelKey, str]]:
    """The predictors of all bundles in the models folder, and what is wrong with those that cannot be used.

    Args:
        settings: name the folder and the precision.
        loaded: what is loaded already: kept where the bundle is still the same, or its successor cannot be used.
        unwanted: names of models to leave out.

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
            bundle = open_bundle(path)
            if predictor is None or bundle.manifest != predictor.manifest:
                predictor = Predictor.load(bundle, choose_precision(bundle, settings.precision))
        except BundleError as error:
            refused[key] = str(error)
        if predictor is not None:
            predictors.append(predictor)
    return predictors, refused


def load_choice(settings: Settings) -> Choice:
    """What answers when nobody asks for another; only that is loaded.

    Raises:
        BundleError: it is not there, or cannot be used.
    """
    paths = find_bundles(settings.models_dir)
    if settings.model == AUTO:
        newest = {path.parent.name: path for path in paths}.values()
        predictors = [_load(path, settings) for path in newest]
        return Choice(predictors[0], by_language(predictors), auto=True)
    versions = {int(path.name): path for path in paths if path.parent.name == settings.model}
    if not versions:
        there = ", ".join(dict.fromkeys(path.parent.name for path in paths))
        raise BundleError(
            f"{settings.models_dir}: there is no model {settings.model!r}; there is {there}. --model chooses."
        )
    version = settings.model_version or max(versions)
    if version not in versions:
        there = ", ".join(map(str, versions))
        raise BundleError(
            f"{settings.models_dir}: model {settings.model} has no version {version}; it has {there}. "
            "--model-version chooses."
        )
    return Choice(_load(versions[version], settings))


def _load(path: Path, settings: Settings) -> Predictor:
    bundle = open_bundle(path)
    return Predictor.load(bundle, choose_precision(bundle, settings.precision))
