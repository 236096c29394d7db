"""The fleet: the processes of one service, the target state of their models, and the progress of each process."""

import fcntl
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from service.replacement import replace_file


@dataclass(frozen=True)
class TargetState:
    """The models that every process should have loaded.

    Attributes:
        generation: number of the change, rising; a process with an older one reads the models folder again.
        unloaded: names of models that are not served.
    """

    generation: int = 0
    unloaded: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Report:
    """The state that a process has applied.

    Attributes:
        generation: of the target state.
        revisions: hash of the rollout file that it has read, by model.
    """

    generation: int
    revisions: Mapping[str, str]


class Fleet:
    """The processes of one service, which communicate by files in a shared folder.

    Args:
        run_dir: existing folder, empty at the start.
    """

    def __init__(self, run_dir: Path) -> None:
        self._target = run_dir / "target.json"
        self._lock = run_dir / "lock"
        self._workers = run_dir / "workers"
        self._rollouts = run_dir / "rollouts.json"
        self.quotas = run_dir / "quotas"
        """Folder of the quotas of callers (see `callers.quota`)."""
        self.shadow = run_dir / "shadow"
        """Folder of the tallies of what shadows compared (see `monitoring.tallies`)."""
        self.drift = run_dir / "drift"
        """Folder of the windows of drift."""
        for folder in (self.quotas, self.shadow, self.drift, self._workers):
            folder.mkdir(exist_ok=True)

    @classmethod
    def private(cls) -> Self:
        """Make the fleet of a single process, in a temporary folder that is deleted with this object."""
        folder = tempfile.mkdtemp(prefix="sentiment-")
        fleet = cls(Path(folder))
        weakref.finalize(fleet, shutil.rmtree, folder, ignore_errors=True)
        return fleet

    def target(self) -> TargetState:
        """Read the target state."""
        try:
            content = json.loads(self._target.read_bytes())
        except FileNotFoundError:
            return TargetState()
        return TargetState(content["generation"], frozenset(content["unloaded"]))

    def change(self, unloaded: Callable[[frozenset[str]], frozenset[str]] = lambda names: names) -> TargetState:
        """Start a new generation.

        Args:
            unloaded: maps the names that were not served to the names that are not served from now on.
        """
        with self._locked():
            before = self.target()
            target = replace(before, generation=before.generation + 1, unloaded=unloaded(before.unloaded))
            content = {"generation": target.generation, "unloaded": sorted(target.unloaded)}
            replace_file(self._target, json.dumps(content).encode())
            return target

    def report(self, generation: int, revisions: Mapping[str, str] | None = None) -> None:
        """Record that this process has applied a generation.

        Args:
            generation: number of the generation.
            revisions: hash of the rollout file that was read, by model.
        """
        content = {"generation": generation, "revisions": dict(revisions or {})}
        replace_file(self._workers / str(os.getpid()), json.dumps(content).encode())

    def reports(self) -> list[Report]:
        """List what every process has applied."""
        reports = []
        for path in self._workers.glob("[0-9]*"):
            with suppress(FileNotFoundError):  # a process that has ended meanwhile
                reports.append(Report(**json.loads(path.read_bytes())))
        return reports

    def keep_rollouts(self, rollouts: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep the rollouts in force, for a process that takes the place of another."""
        replace_file(self._rollouts, json.dumps(rollouts).encode())

    def kept_rollouts(self) -> dict[str, Any]:
        """Return the rollouts that were kept last, by model."""
        try:
            return dict(json.loads(self._rollouts.read_bytes()))
        except FileNotFoundError:
            return {}

    def forget(self, pid: int) -> None:
        """Remove a process that has ended."""
        for folder in (self._workers, self.drift):  # what its shadow compared still counts, a window would not move
            (folder / str(pid)).unlink(missing_ok=True)

    def done_everywhere(self, generation: int) -> bool:
        """Tell whether all processes have reported this generation or a later one."""
        return all(report.generation >= generation for report in self.reports())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock.open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield
