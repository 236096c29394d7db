"""Checkpoints of an output file: `FILE.part` with the output so far, and `FILE.part.json` with the progress."""

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.errors import ServiceError


class CheckpointError(ServiceError):
    """An earlier run left an output that this run cannot continue."""


class Part:
    """The output written so far, and the job that it belongs to.

    Each checkpoint replaces the last one in a single step. Bytes that a killed run wrote after its last checkpoint are
    cut off when another run continues.

    Args:
        output: the file that the part becomes. If its name ends in `.gz`, each piece is compressed by itself.
        job: everything that the output depends on: only a run with the same job continues it.
        resumable: whether the input can be read again; if not, no checkpoint is kept.
        restart: whether to begin anew, whatever is there.
        restart_with: the option or argument by which the user asks for `restart`, for messages.

    Raises:
        CheckpointError: a part exists that belongs to another job, or is damaged.
    """

    def __init__(
        self, output: Path, job: dict[str, Any], resumable: bool, restart: bool, restart_with: str = "--restart"
    ) -> None:
        self._output = output
        self._job = job
        self._resumable = resumable
        self._anew = f"add {restart_with} to begin anew."
        self.path = output.with_name(output.name + ".part")
        self._checkpoint_path = output.with_name(output.name + ".part.json")
        self.position: Sequence[int] = (0, 0)
        """Place in the input of the last checkpoint: bytes of the expanded file and lines before it."""
        self.state: dict[str, Any] = {}
        """Further state that the last checkpoint recorded, such as counts."""
        size = 0
        if resumable and not restart and self.kept:
            checkpoint = self._read_checkpoint()
            self.position, self.state, size = checkpoint["position"], checkpoint["state"], checkpoint["size"]
        else:
            self._checkpoint_path.unlink(missing_ok=True)
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 (open until `finish`)
        self._file.truncate(size)

    @property
    def kept(self) -> bool:
        """True if another run can continue from the last checkpoint."""
        return self._checkpoint_path.exists() and self.path.exists()

    def write(self, data: bytes) -> None:
        """Append a piece of the output."""
        data = gzip.compress(data, mtime=0) if self._output.suffix == ".gz" and data else data
        while data:
            data = data[self._file.write(data) :]

    def checkpoint(self, position: Sequence[int], state: dict[str, Any]) -> None:
        """Record that the output is written up to a place of the input.

        Args:
            position: bytes of the expanded input and lines before that place.
            state: further state, which another run finds in `state`.
        """
        if not self._resumable:
            return
        content = {"size": self._file.tell(), "position": position, "state": state, "job": self._job}
        new = self._checkpoint_path.with_name(self._checkpoint_path.name + ".new")
        new.write_text(json.dumps(content, indent=1))
        new.replace(self._checkpoint_path)

    def close(self) -> None:
        """Close the part; remove it if no other run can continue it."""
        self._file.close()
        if not self.kept:
            self.path.unlink(missing_ok=True)

    def finish(self, made: Path | None = None) -> None:
        """Rename the part, or the file that was made of it, to the output.

        Args:
            made: file to rename in place of the part, for formats that are converted at the end.
        """
        os.fsync(self._file.fileno())
        (made or self.path).replace(self._output)
        self._checkpoint_path.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def _read_checkpoint(self) -> dict[str, Any]:
        try:
            checkpoint: dict[str, Any] = json.loads(self._checkpoint_path.read_text())
            job, size = dict(checkpoint["job"]), int(checkpoint["size"])
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{self._checkpoint_path} cannot be read; {self._anew}") from error
        now = json.loads(json.dumps(self._job))
        for name, value in now.items():
            if job.get(name) != value:
                change = f"another {name} ({job.get(name)}, now {value})"
                raise CheckpointError(f"{self.path} was begun with {change}; go on with that, or {self._anew}")
        if self.path.stat().st_size < size:
            raise CheckpointError(f"{self.path} is shorter than its checkpoint says; {self._anew}")
        return checkpoint
