"""The models that are loaded, by name and version."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from service.bundle import find_bundles, open_bundle
from service.errors import BundleError, ModelNotFoundError
from service.precision import choose_precision
from service.predictor import Predictor
from service.settings import Settings


@dataclass(frozen=True)
class IndexEntry:
    """A model version in the folder of models."""

    name: str
    version: int
    state: Literal["READY", "UNAVAILABLE"]
    reason: str


class Registry:
    """Every version of every model, and which of them answers when a request does not say.

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
        self._default_name = default_name
        self._default_version = default_version
        try:
            self.default = self.get()
        except ModelNotFoundError as error:
            raise BundleError(f"The default model cannot be served: {error}") from error

    @classmethod
    def load(cls, settings: Settings) -> "Registry":
        """Loads every bundle in the models folder.

        Raises:
            BundleError: any of them cannot be used, or the default model is not among them.
        """
        bundles = [open_bundle(path) for path in find_bundles(settings.models_dir)]
        predictors = [Predictor.load(bundle, choose_precision(bundle, settings.precision)) for bundle in bundles]
        return cls(predictors, settings.model, settings.model_version)

    def __iter__(self) -> Iterator[Predictor]:
        for versions in self._versions.values():
            yield from versions.values()

    def get(self, name: str | None = None, version: int | None = None) -> Predictor:
        """The model asked for; without a version its default one.

        Raises:
            ModelNotFoundError: saying what there is instead.
        """
        name = name or self._default_name
        versions = self._versions.get(name)
        if versions is None:
            raise ModelNotFoundError(f"There is no model {name!r}; there is {', '.join(self._versions)}.")
        if version is None:
            version = self._default_version if name == self._default_name else None
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

    def index(self) -> list[IndexEntry]:
        """Every model version that is there."""
        return [IndexEntry(p.manifest.name, p.manifest.version, "READY", "") for p in self]

    def replace(self, name: str, predictors: list[Predictor]) -> None:
        """Puts other versions of a model in the place of those that are there; none takes it away."""
        self._versions.pop(name, None)
        if predictors:
            self._versions[name] = {predictor.manifest.version: predictor for predictor in predictors}
        self.default = self.get()
