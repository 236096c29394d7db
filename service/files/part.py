"""An output file in the making, which survives being killed: FILE.part, and FILE.part.json that says how far it is."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

from service.errors import ServiceError
from service.files.record import Position


class ScoreError(ServiceError):
    """A file cannot be scored, or not from where an earlier run left it."""


class Part:
    """What has been written so far, and what it was made of.

    After each piece a checkpoint is put in the place of the last one in a single step. What a run that was killed
    wrote after its last checkpoint is cut off again when it is taken up.

    Args:
        output: the file that it becomes. If its name ends in `.gz`, each piece is compressed by itself.
        job: all that the output depends on: only a run with the same goes on with it.
        resumable: whether the input can be read again; without that nothing is kept.
        restart: whether to begin anew whatever is there.

    Raises:
        ScoreError: a part is there that is of another job, or damaged.
    """

    def __init__(self, output: Path, job: dict[str, Any], resumable: bool, restart: bool) -> None:
        self._output = output
        self._job = job
        self._resumable = resumable
        self.path = output.with_name(output.name + ".part")
        self._checkpoint_path = output.with_name(output.name + ".part.json")
        self.position = Position()
        self.state: dict[str, Any] = {}
        """What was known at the last checkpoint."""
        size = 0
        if resumable and not restart and self.kept:
            checkpoint = self._read_checkpoint()
            self.position, self.state, size = Position(*checkpoint["position"]), checkpoint["state"], checkpoint["size"]
        else:
            self._checkpoint_path.unlink(missing_ok=True)
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 (open until `finish`)
        self._file.truncate(size)

    @property
    def kept(self) -> bool:
        """Whether there is something to go on from."""
        return self._checkpoint_path.exists() and self.path.exists()

    def write(self, data: bytes) -> None:
        """Adds a piece of the output."""
        data = gzip.compress(data, mtime=0) if self._output.suffix == ".gz" and data else data
        while data:
            data = data[self._file.write(data) :]

    def checkpoint(self, position: Position, state: dict[str, Any]) -> None:
        """Makes this the place to go on from."""
        if not self._resumable:
            return
        content = {"size": self._file.tell(), "position": position, "state": state, "job": self._job}
        new = self._checkpoint_path.with_name(self._checkpoint_path.name + ".new")
        new.write_text(json.dumps(content, indent=1))
        new.replace(self._checkpoint_path)

    def close(self) -> None:
        """Leaves the part to be taken up by another run."""
        self._file.close()

    def finish(self, made: Path | None = None) -> None:
        """Makes the part the output, or another file that was made of it."""
        os.fsync(self._file.fileno())
        (made or self.path).replace(self._output)
        self.path.unlink(missing_ok=True)
        self._checkpoint_path.unlink(missing_ok=True)

    def _read_checkpoint(self) -> dict[str, Any]:
        anew = "add --restart to begin anew."
        try:
            checkpoint: dict[str, Any] = json.loads(self._checkpoint_path.read_text())
            job, size = dict(checkpoint["job"]), int(checkpoint["size"])
        except (ValueError, KeyError, TypeError) as error:
            raise ScoreError(f"{self._checkpoint_path} cannot be read; {anew}") from error
        now = json.loads(json.dumps(self._job))
        for name, value in now.items():
            if job.get(name) != value:
                change = f"another {name} ({job.get(name)}, now {value})"
                raise ScoreError(f"{self.path} was begun with {change}; go on with that, or {anew}")
        if self.path.stat().st_size < size:
            raise ScoreError(f"{self.path} is shorter than its checkpoint says; {anew}")
        return checkpoint
