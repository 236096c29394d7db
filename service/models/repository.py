"""The repository of models: loading and unloading of versions while the service runs."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from service.errors import BundleError, DefaultModelError, ModelNotFoundError
from service.inference.bundle import bundle_files, find_bundles, one_line
from service.inference.predictor import Predictor
from service.models.fleet import Fleet, TargetState
from service.models.loading import load_models
from service.models.registry import ModelKey, Registry
from service.models.rollout import Rollout, rollout_files
from service.models.rollouts import RolloutState, Versions, read_rollouts
from service.replacement import FileStamp
from service.settings import Settings

logger = logging.getLogger("service")

RELOAD_SECONDS = 60.0
"""Time after which the log reports, again and again, that a reload has not finished."""

ELSEWHERE_SECONDS = 30.0
"""Time that a change waits for the other processes."""


@dataclass(frozen=True)
class IndexEntry:
    """A model version in the folder, and its state."""

    name: str
    version: int
    state: Literal["READY", "UNAVAILABLE"]
    reason: str = ""


class Repository:
    """Load new versions beside the old ones, verified and warmed up, and then replace the registry.

    Args:
        settings: name the folder, the default model and the precision.
        fleet: processes of this service.
        predictors: loaded models.
        refused: faults of the bundles that cannot be used.
        target: target state that these models belong to.
        rollouts: rollouts by model.

    Raises:
        BundleError: the default model is not among the predictors.
    """

    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        predictors: list[Predictor],
        refused: Mapping[ModelKey, str],
        target: TargetState,
        rollouts: Mapping[str, RolloutState],
    ) -> None:
        self._settings = settings
        self._fleet = fleet
        self._refused = refused
        self._target = target
        self._lock = asyncio.Lock()
        self._files: dict[Path, FileStamp] = {}
        self._rollout_files = rollout_files(settings.models_dir)
        self.rollouts = rollouts
        """The rollouts of the models that have a file of it."""
        self.registry = _registry(settings, predictors, rollouts)
        """The models that are served now; each change replaces it."""

    @classmethod
    def open(cls, settings: Settings, fleet: Fleet, lenient: bool = False, loaded: Iterable[Predictor] = ()) -> Self:
        """Load every bundle in the models folder.

        Args:
            settings: name the folder, the default model and the precision.
            fleet: processes of this service.
            lenient: whether to leave out a bundle that cannot be used, as a worker does that replaces another.
            loaded: predictors to keep if their bundle has not changed, or cannot be used any more; a lenient start
                serves all of them if the folder is gone or has no default model.

        Raises:
            BundleError: one cannot be used, or the default model is not among them.
        """
        target = fleet.target()
        files = bundle_files(settings.models_dir)  # before they are read, so that no later change is missed
        about_rollouts = rollout_files(settings.models_dir)
        kept = {name: RolloutState(Rollout(**fields)) for name, fields in fleet.kept_rollouts().items()}

        of_parent = _by_key(loaded)
        try:
            predictors, refused = load_models(settings, of_parent, target.unloaded)
            rollouts = read_rollouts(settings.models_dir, _versions(settings, target, predictors), kept)
            for reason in (*refused.values(), *(state.refusal for state in rollouts.values() if state.refusal)):
                if not lenient:
                    raise BundleError(reason)
                logger.error("left out: %s", reason)
            repository = cls(settings, fleet, predictors, refused, target, rollouts)
        except BundleError as error:
            if not (lenient and of_parent):
                raise
            logger.error("the models of the start serve: %s", one_line(error))
            predictors = [each for each in of_parent.values() if each.name.name not in target.unloaded]
            rollouts = read_rollouts(settings.models_dir, _versions(settings, target, predictors), kept)
            repository = cls(settings, fleet, predictors, {}, target, rollouts)
        repository._files, repository._rollout_files = files, about_rollouts
        return repository

    def start(self) -> None:
        """Report this process to the others."""
        self._report()

    def models(self) -> Iterator[tuple[Predictor, bool]]:
        """Iterate over the served models, each with a flag for the default."""
        for predictor in self.registry:
            yield predictor, predictor is self.registry.default

    def index(self) -> list[IndexEntry]:
        """List every version in the models folder."""
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
                reason = reason or ("unloaded" if name in self._target.unloaded else "not loaded yet")
                entries.append(IndexEntry(name, version, "UNAVAILABLE", reason))
        return entries

    def ask_for_reload(self) -> None:
        """Make every process read the models folder again, at its next tick."""
        self._fleet.change()

    async def follow(self) -> None:
        """Apply the target state if it has changed since the last call."""
        try:
            if self._settings.watch_models and self._fleet.target() == self._target and await self._changed():
                self._fleet.change()
            if self._fleet.target() != self._target:
                await self._apply()
            elif await asyncio.to_thread(rollout_files, self._settings.models_dir) != self._rollout_files:
                await self._follow_rollouts()
        except Exception as error:  # whatever is the matter with the folder, later calls must find this one ended
            logger.error("nothing was reloaded: %s", one_line(error))

    async def load(self, name: str) -> None:
        """Load all versions of a model from its folder, in every process.

        Raises:
            ModelNotFoundError: the model has no folder.
            BundleError: a version cannot be used; the loaded one stays.
        """
        if name not in self._names():
            raise ModelNotFoundError(f"The models folder has no model {name!r}.")
        target = self._fleet.change(lambda unloaded: unloaded - {name})
        await self._apply()
        await self._elsewhere(target)
        for (refused, _), reason in self._refused.items():
            if refused == name:
                raise BundleError(reason)
        if (state := self.rollouts.get(name)) and state.refusal:
            raise BundleError(state.refusal)

    def following(self, name: str) -> tuple[int, int]:
        """Count the processes that have read the rollout file of a model as it is in this one, and all processes."""
        revision = self.rollouts.get(name, RolloutState()).revision
        reports = self._fleet.reports()
        return sum(report.revisions.get(name, "") == revision for report in reports), len(reports)

    async def unload(self, name: str) -> None:
        """Unload a model in every process, until it is loaded again.

        Raises:
            ModelNotFoundError: there is no such model.
            DefaultModelError: the model is the default.
        """
        if name == self.registry.default_name:
            raise DefaultModelError(f"{name} is the default model; without it most requests would have no answer.")
        if name not in self._names():
            raise ModelNotFoundError(f"There is no model {name!r}.")
        target = self._fleet.change(lambda unloaded: unloaded | {name})
        await self._apply()
        await self._elsewhere(target)

    def _names(self) -> set[str]:
        return {entry.name for entry in self.index()}

    async def _changed(self) -> bool:
        """Compare the folder with its state when it was read; on a thread, as it may be on a slow network."""
        return await asyncio.to_thread(bundle_files, self._settings.models_dir) != self._files

    async def _apply(self) -> None:
        """Apply the target state: read the models folder and replace the registry.

        Raises:
            BundleError: no registry can be made of it; the old one stays.
        """
        async with self._lock, _watchdog():
            self._target = target = self._fleet.target()
            before = _by_key(self.registry)
            self._files = await asyncio.to_thread(bundle_files, self._settings.models_dir)
            self._rollout_files = await asyncio.to_thread(rollout_files, self._settings.models_dir)
            try:
                predictors, refused = await asyncio.to_thread(load_models, self._settings, before, target.unloaded)
                rollouts = await self._read_rollouts(predictors)
                self.registry = _registry(self._settings, predictors, rollouts)
                self._put_in_force(rollouts)
            finally:
                self._report()
            self._refused = refused
            for reason in refused.values():
                logger.error("refused: %s", reason)
            for predictor in self.registry:
                name, version = predictor.manifest.name, predictor.manifest.version
                if before.pop((name, version), None) is not predictor:
                    logger.info("now serving %s version %d in %s", name, version, predictor.precision)
            for name, version in before:
                logger.info("no longer serving %s version %d", name, version)

    async def _follow_rollouts(self) -> None:
        """Read the rollout files and replace the registry. Versions that they name are loaded if they are not yet."""
        async with self._lock:
            self._rollout_files = await asyncio.to_thread(rollout_files, self._settings.models_dir)
            predictors = list(self.registry)
            rollouts = await self._read_rollouts(predictors)
            if wanting := any(state.missing and state != self.rollouts.get(name) for name, state in rollouts.items()):
                self._fleet.change()
            else:
                try:
                    self.registry = _registry(self._settings, predictors, rollouts)
                except BundleError as error:  # the default version is a label that is gone
                    name = self.registry.default_name
                    revision = rollouts.get(name, RolloutState()).revision
                    rollouts[name] = replace(self.rollouts[name], revision=revision, refusal=str(error))
                self._put_in_force(rollouts)
                self._report()
        if wanting:
            await self._apply()

    async def _read_rollouts(self, predictors: list[Predictor]) -> dict[str, RolloutState]:
        versions = await asyncio.to_thread(_versions, self._settings, self._target, predictors)
        return await asyncio.to_thread(read_rollouts, self._settings.models_dir, versions, self.rollouts)

    def _put_in_force(self, rollouts: Mapping[str, RolloutState]) -> None:
        """Note the rollouts of the registry, and log what has changed."""
        before, self.rollouts = self.rollouts, rollouts
        for name in sorted(before.keys() | rollouts.keys()):
            state = rollouts.get(name, RolloutState())
            if state == before.get(name):
                continue
            if state.fault:
                logger.error("rollout of %s: %s", name, state.fault)
            if not state.refusal:
                logger.info("rollout of %s: %s", name, json.dumps(state.rollout.fields()))

    def _report(self) -> None:
        """Tell the other processes what this one has applied."""
        self._fleet.keep_rollouts({name: state.rollout.fields() for name, state in self.rollouts.items()})
        revisions = {name: state.revision for name, state in self.rollouts.items()}
        self._fleet.report(self._target.generation, revisions)

    async def _elsewhere(self, target: TargetState) -> None:
        try:
            async with asyncio.timeout(ELSEWHERE_SECONDS):
                while not self._fleet.done_everywhere(target.generation):  # noqa: ASYNC110 (it happens in processes)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            logger.error("not every process has changed its models after %g seconds", ELSEWHERE_SECONDS)


def _by_key(predictors: Iterable[Predictor]) -> dict[ModelKey, Predictor]:
    return {(predictor.name.name, predictor.name.version): predictor for predictor in predictors}


def _registry(settings: Settings, predictors: list[Predictor], rollouts: Mapping[str, RolloutState]) -> Registry:
    in_force = {name: state.rollout for name, state in rollouts.items()}
    return Registry(predictors, settings.model, settings.model_version, in_force)


def _versions(settings: Settings, target: TargetState, predictors: list[Predictor]) -> dict[str, Versions]:
    """List the versions of each model that is wanted."""
    loaded: dict[str, list[int]] = {}
    for predictor in predictors:
        loaded.setdefault(predictor.name.name, []).append(predictor.name.version)
    there = {name: list(numbers) for name, numbers in loaded.items()}
    with suppress(BundleError):
        for path in find_bundles(settings.models_dir):
            there.setdefault(path.parent.name, []).append(int(path.name))
    names = there.keys() - target.unloaded
    return {name: Versions(set(there[name]), set(loaded.get(name, ()))) for name in sorted(names)}


@asynccontextmanager
async def _watchdog() -> AsyncIterator[None]:
    """Log an error, again and again, while the reload inside takes longer than `RELOAD_SECONDS`."""

    async def watch() -> None:
        seconds = 0.0
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            seconds += RELOAD_SECONDS
            logger.error(
                "reloading has not finished after %g seconds; what was loaded is served until it does", seconds
            )

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
