"""The models that are loaded, by name and version."""

from collections.abc import Collection, Iterator, Mapping

from service.errors import BundleError, ModelNotFoundError
from service.inference.bundle import find_bundles, open_bundle
from service.inference.precision import choose_precision
from service.inference.predictor import Predictor
from service.settings import Settings

ModelKey = tuple[str, int]
"""A model's name and version."""


class Registry:
    """Every version of every model, and which of them answers when a request does not say. It never changes.

    Args:
        predictors: in rising order of version.
        default_name: the model for requests that name none.
        default_version: its version; None takes the highest.

    Raises:
        BundleError: the default is not among the predictors.
    """

    def __init__(self, predictors: list[Predictor], default_name: str, default_version: int | None = None) -> None:
        self._versions: dict[str, dict[int, Predictor]] = {}
        for predictor in predictors:
            manifest = predictor.manifest
            self._versions.setdefault(manifest.name, {})[manifest.version] = predictor
        self.default_name = default_name
        self._default_version = default_version
        try:
            self.default = self.get()
        except ModelNotFoundError as error:
            raise BundleError(f"The default model cannot be served: {error}") from error

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


def load_default(settings: Settings) -> Predictor:
    """The model that answers when nobody asks for another; only it is loaded.

    Raises:
        BundleError: it is not there, or cannot be used.
    """
    paths = find_bundles(settings.models_dir)
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
    bundle = open_bundle(versions[version])
    return Predictor.load(bundle, choose_precision(bundle, settings.precision))
