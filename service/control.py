"""What the processes of one service tell each other: which models to have, and who has them already."""

import fcntl
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Wanted:
    """What every process should have loaded.

    Attributes:
        generation: rises with each change; a process that has an older one reads the models folder again.
        unloaded: names of models that are not to be served.
    """

    generation: int = 0
    unloaded: frozenset[str] = frozenset()


class Control:
    """A folder that the processes of one service share.

    Args:
        run_dir: the folder, there already and empty at the start.
    """

    def __init__(self, run_dir: Path) -> None:
        self._wanted = run_dir / "wanted.json"
        self._lock = run_dir / "lock"
        self._workers = run_dir / "workers"
        self._workers.mkdir(exist_ok=True)

    @classmethod
    def private(cls) -> Self:
        """For a process that is alone: a folder that goes when this object goes."""
        folder = tempfile.mkdtemp(prefix="sentiment-")
        control = cls(Path(folder))
        weakref.finalize(control, shutil.rmtree, folder, ignore_errors=True)
        return control

    def wanted(self) -> Wanted:
        """What is wanted now."""
        try:
            content = json.loads(self._wanted.read_bytes())
        except FileNotFoundError:
            return Wanted()
        return Wanted(content["generation"], frozenset(content["unloaded"]))

    def change(self, unloaded: Callable[[frozenset[str]], frozenset[str]] = lambda names: names) -> Wanted:
        """Starts a new generation.

        Args:
            unloaded: gives the names that are not to be served from those that were not.
        """
        with self._locked():
            before = self.wanted()
            wanted = replace(before, generation=before.generation + 1, unloaded=unloaded(before.unloaded))
            content = {"generation": wanted.generation, "unloaded": sorted(wanted.unloaded)}
            _replace(self._wanted, json.dumps(content))
            return wanted

    def report(self, generation: int) -> None:
        """Says that this process has done what a generation wants."""
        _replace(self._workers / str(os.getpid()), str(generation))

    def forget(self, pid: int) -> None:
        """Expects no more reports from a process."""
        (self._workers / str(pid)).unlink(missing_ok=True)

    def done_everywhere(self, generation: int) -> bool:
        """Whether all processes have reported a generation, or a later one."""
        return all(int(path.read_text()) >= generation for path in self._workers.glob("[0-9]*"))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock.open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def _replace(path: Path, content: str) -> None:
    """Writes a file such that a reader finds the old content or the new."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(content)
    new.replace(path)
