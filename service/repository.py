"""Loading and unloading models while the service runs."""

import asyncio

from service.bundle import find_bundles, open_bundle
from service.errors import ConflictError, ModelNotFoundError
from service.precision import choose_precision
from service.predictor import Predictor
from service.registry import Registry
from service.settings import Settings


class Repository:
    """The folder of models, and the registry that serves what is in it."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry

    async def load(self, name: str) -> None:
        """Loads every version of a model that its folder has, in place of those that are loaded.

        Raises:
            ModelNotFoundError: there is no such folder.
            BundleError: one of them cannot be used; nothing has changed.
        """
        self._registry.replace(name, await asyncio.to_thread(self._load, name))

    async def unload(self, name: str) -> None:
        """Serves a model no more.

        Raises:
            ModelNotFoundError: it is not loaded.
            ConflictError: it is the default model.
        """
        self._registry.get(name)
        if name == self._settings.model:
            raise ConflictError(f"{name} is the default model, which stays loaded.")
        self._registry.replace(name, [])

    def _load(self, name: str) -> list[Predictor]:
        paths = [path for path in find_bundles(self._settings.models_dir) if path.parent.name == name]
        if not paths:
            raise ModelNotFoundError(f"There is no folder of a model {name!r}.")
        bundles = [open_bundle(path) for path in paths]
        return [Predictor.load(bundle, choose_precision(bundle, self._settings.precision)) for bundle in bundles]
