"""The models folder while the service runs: new versions come, others go, and no request notices."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Self

from service.control import Control, Wanted
from service.errors import BundleError, DefaultModelError, ModelNotFoundError
from service.inference.bundle import BundleFiles, bundle_files, find_bundles
from service.inference.predictor import Predictor
from service.registry import ModelKey, Registry, load_models
from service.settings import Settings

logger = logging.getLogger("service")

ELSEWHERE_SECONDS = 30.0
"""Longest that a change waits for the other processes."""


@dataclass(frozen=True)
class IndexEntry:
    """A model version in the folder, and whether it is served."""

    name: str
    version: int
    state: Literal["READY", "UNAVAILABLE"]
    reason: str = ""


class Repository:
    """Loads new versions aside, verified and warm, and then puts them in the place of the old.

    Args:
        settings: name the folder, the default model and the precision.
        control: what the processes of this service share.
        predictors: what is loaded.
        refused: what is wrong with bundles that are not.

    Raises:
        BundleError: the default model is not among the predictors.
    """

    def __init__(
        self,
        settings: Settings,
        control: Control,
        predictors: list[Predictor],
        refused: Mapping[ModelKey, str],
        wanted: Wanted,
    ) -> None:
        self._settings = settings
        self._control = control
        self._refused = refused
        self._wanted = wanted
        self._lock = asyncio.Lock()
        self._files: BundleFiles = {}
        self.registry = Registry(predictors, settings.model, settings.model_version)
        """What is served now; another one after a change."""

    @classmethod
    def open(cls, settings: Settings, control: Control, lenient: bool = False) -> Self:
        """Loads every bundle in the models folder.

        Args:
            settings: name the folder, the default model and the precision.
            control: what the processes of this service share.
            lenient: whether a bundle that cannot be used is only left out, as for a worker that replaces another.

        Raises:
            BundleError: one cannot be used, or the default model is not among them.
        """
        wanted = control.wanted()
        files = bundle_files(settings.models_dir)  # before they are read, so that no later change is missed
        predictors, refused = load_models(settings, {}, wanted.unloaded)
        for reason in refused.values():
            if not lenient:
                raise BundleError(reason)
            logger.error("left out: %s", reason)
        repository = cls(settings, control, predictors, refused, wanted)
        repository._files = files
        return repository

    def start(self) -> None:
        """Tells the other processes that this one is there."""
        self._control.report(self._wanted.generation)

    def models(self) -> Iterator[tuple[Predictor, bool]]:
        """What is served now, and which of it is the default."""
        for predictor in self.registry:
            yield predictor, predictor is self.registry.default

    def index(self) -> list[IndexEntry]:
        """Every version in the models folder."""
        ready = {(p.manifest.name, p.manifest.version) for p in self.registry}
        try:
            there = {(path.parent.name, int(path.name)) for path in find_bundles(self._settings.models_dir)}
        except BundleError:
            there = set()
        entries = []
        for name, version in sorted(ready | there):
            reason = self._refused.get((name, version), "")
            if (name, version) in ready:
                entries.append(IndexEntry(name, version, "READY", reason))
            else:
                reason = reason or ("unloaded" if name in self._wanted.unloaded else "not loaded yet")
                entries.append(IndexEntry(name, version, "UNAVAILABLE", reason))
        return entries

    def ask_for_reload(self) -> None:
        """Has every process read the models folder again, shortly."""
        self._control.change()

    async def follow(self) -> None:
        """Does what was asked for since the last time, if anything; called now and then."""
        if self._settings.watch_models and self._control.wanted() == self._wanted and await self._changed():
            self._control.change()
        if self._control.wanted() != self._wanted:
            try:
                await self._apply()
            except BundleError as error:
                logger.error("nothing was reloaded: %s", error)

    async def load(self, name: str) -> None:
        """Serves a model as it is in its folder now, in every process: all its versions.

        Raises:
            ModelNotFoundError: it has no folder.
            BundleError: one of its versions cannot be used; what was served goes on.
        """
        if name not in self._names():
            raise ModelNotFoundError(f"The models folder has no model {name!r}.")
        wanted = self._control.change(lambda unloaded: unloaded - {name})
        await self._apply()
        await self._elsewhere(wanted)
        for (refused, _), reason in self._refused.items():
            if refused == name:
                raise BundleError(reason)

    async def unload(self, name: str) -> None:
        """Serves a model no more, in every process, until it is loaded again.

        Raises:
            ModelNotFoundError: there is no such model.
            DefaultModelError: it is the default.
        """
        if name == self.registry.default_name:
            raise DefaultModelError(f"{name} is the default model; without it most requests would have no answer.")
        if name not in self._names():
            raise ModelNotFoundError(f"There is no model {name!r}.")
        wanted = self._control.change(lambda unloaded: unloaded | {name})
        await self._apply()
        await self._elsewhere(wanted)

    def _names(self) -> set[str]:
        return {entry.name for entry in self.index()}

    async def _changed(self) -> bool:
        """Whether the folder is another than when it was read; in a thread, as it may be on a slow network."""
        return await asyncio.to_thread(bundle_files, self._settings.models_dir) != self._files

    async def _apply(self) -> None:
        """Makes what is served what is wanted.

        Raises:
            BundleError: that cannot be; nothing has changed.
        """
        async with self._lock:
            self._wanted = wanted = self._control.wanted()
            before = {(p.manifest.name, p.manifest.version): p for p in self.registry}
            self._files = await asyncio.to_thread(bundle_files, self._settings.models_dir)
            try:
                predictors, refused = await asyncio.to_thread(load_models, self._settings, before, wanted.unloaded)
                self.registry = Registry(predictors, self._settings.model, self._settings.model_version)
            finally:
                self._control.report(wanted.generation)
            self._refused = refused
            for reason in refused.values():
                logger.error("refused: %s", reason)
            for predictor in self.registry:
                name, version = predictor.manifest.name, predictor.manifest.version
                if before.pop((name, version), None) is not predictor:
                    logger.info("now serving %s version %d in %s", name, version, predictor.precision)
            for name, version in before:
                logger.info("no longer serving %s version %d", name, version)

    async def _elsewhere(self, wanted: Wanted) -> None:
        try:
            async with asyncio.timeout(ELSEWHERE_SECONDS):
                while not self._control.done_everywhere(wanted.generation):  # noqa: ASYNC110 (it happens in processes)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            logger.error("not every process has changed its models after %g seconds", ELSEWHERE_SECONDS)
