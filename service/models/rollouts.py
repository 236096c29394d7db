"""The rollouts of all models: what is in force, and why a file was refused."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from service.errors import BundleError
from service.models.rollout import ROLLOUT_FILE, Rollout, parse_rollout, read_content


@dataclass(frozen=True)
class Versions:
    """The versions of a model.

    Attributes:
        there: those that have a folder.
        loaded: those that can answer.
    """

    there: Collection[int]
    loaded: Collection[int]


@dataclass(frozen=True)
class RolloutState:
    """A model's rollout.

    Attributes:
        rollout: what is in force; after a refusal that of the last file which was accepted.
        revision: SHA-256 of the file that was read last, in force or refused; empty without a file.
        refusal: why this file was refused; empty if it was not.
        missing: versions that this file names and that are there but not loaded: they get no request.
    """

    rollout: Rollout = field(default_factory=Rollout)
    revision: str = ""
    refusal: str = ""
    missing: tuple[int, ...] = ()

    @property
    def fault(self) -> str:
        """The refusal or the missing versions, in a line; empty without either."""
        if self.refusal or not self.missing:
            return self.refusal
        return f"version {', '.join(map(str, self.missing))} is not loaded, so it gets no request."


def read_rollouts(
    models_dir: Path, models: Mapping[str, Versions], before: Mapping[str, RolloutState]
) -> dict[str, RolloutState]:
    """Read the rollout files of models.

    Args:
        models_dir: folder of models.
        models: their versions by name.
        before: the state of the last time.

    Returns:
        The state of each model that has a file.
    """
    states = {}
    for name, versions in models.items():
        path = models_dir / name / ROLLOUT_FILE
        if not path.exists():
            continue
        state = before.get(name, RolloutState())
        rollout = state.rollout
        try:
            content = read_content(path)
            state = replace(state, revision=hashlib.sha256(content).hexdigest(), refusal="")
            rollout = parse_rollout(content, path)
            check_rollout(rollout, path, versions)
            state = replace(state, rollout=rollout)
        except BundleError as error:
            state = replace(state, refusal=str(error))
        missing = sorted((rollout.mentioned & set(versions.there)) - set(versions.loaded))
        states[name] = replace(state, missing=tuple(missing))
    return states


def check_rollout(rollout: Rollout, path: Path, versions: Versions) -> None:
    """Check a rollout against the versions of its model.

    Raises:
        BundleError: it names a version that has no folder, nothing that it serves can answer, or its shadow is the
            version that most requests get.
    """
    there = ", ".join(map(str, sorted(versions.there))) or "none"
    for number in sorted(rollout.mentioned):
        if number not in versions.there:
            raise BundleError(f"{path}: names version {number}, which has no folder here; there is {there}.")
    weights = rollout.weights
    if weights and not any(weight and number in versions.loaded for number, weight in weights.items()):
        raise BundleError(f"{path}: nothing that it serves could be loaded ({', '.join(map(str, weights))}).")
    if rollout.shadow and rollout.number(rollout.shadow.version) == (main := rollout.main(versions.there)):
        raise BundleError(
            f"{path}: shadow: version {main} answers most requests itself; let another version read along, or none."
        )
