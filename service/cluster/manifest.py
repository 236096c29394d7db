"""The manifest of a folder of outputs: the job that they belong to, and which files of the corpus are done.

An output also carries its own outcome, so that one that was finished after the last writing of the manifest counts too.
"""

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

from service.cluster.corpus import InputFile
from service.cluster.scored_file import Job, Outcome, read_outcome
from service.cluster.storage import Storage, reached
from service.errors import ServiceError

NAME = "_manifest.json"
_READERS = 32
_PAUSE = 20
"""Times as long as the manifest took to be written it is not written again."""


class ManifestError(ServiceError):
    """A folder of outputs belongs to another job, or to something else."""


class Manifest:
    """The finished files of a job.

    Args:
        job: with the folder of its outputs.
        restart: whether to begin anew, whatever is there.

    Raises:
        ManifestError: the folder holds something else.
        StorageError: it cannot be read.
    """

    def __init__(self, job: Job, restart: bool) -> None:
        self._job = job
        self._target = Storage(job.target)
        self._sizes = {name: info["size"] for name, info in self._target.infos().items()}
        self.outcomes: dict[str, Outcome] = {}
        """Outcomes by the name of the file."""
        self._next = 0.0
        content = self._target.read(NAME)
        if restart:
            self._sizes = {}
        elif content is not None:
            self._read(content)
        elif self._sizes:
            raise ManifestError(
                f"{job.target} is not empty, and has no {NAME} of an earlier run. Name a new folder for the outputs; "
                "--restart writes into this one all the same."
            )

    def pending(self, files: Iterable[InputFile]) -> list[InputFile]:
        """Return the files that are not done: those without an output of this job and of their present content.

        Only the outcomes of the others are kept.
        """
        files = list(files)
        with ThreadPoolExecutor(_READERS) as pool:
            found = list(pool.map(self._done, files))
        self.outcomes = {outcome.name: outcome for outcome in found if outcome}
        return [file for file, outcome in zip(files, found, strict=True) if not outcome]

    def add(self, outcome: Outcome) -> None:
        """Note what became of a file, and write the manifest unless that was done just now."""
        self.outcomes[outcome.name] = outcome
        if time.monotonic() >= self._next:
            self.write()

    def write(self) -> None:
        """Write the manifest.

        Raises:
            StorageError: the folder cannot be written to.
        """
        began = time.monotonic()
        files = {name: asdict(outcome) for name, outcome in sorted(self.outcomes.items())}
        with reached(self._target.address), self._target.written(NAME) as path:
            path.write_text(json.dumps({"job": self._job.fields(), "files": files}, indent=1))
        ended = time.monotonic()
        self._next = ended + max(1.0, _PAUSE * (ended - began))

    def _read(self, content: bytes) -> None:
        again = "name a new folder for the outputs, or add --restart to begin anew."
        try:
            manifest: dict[str, Any] = json.loads(content)
            job = dict(manifest["job"])
            self.outcomes = {name: Outcome(**fields) for name, fields in manifest["files"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ManifestError(f"{self._target.path(NAME)} cannot be read; {again}") from error
        for name, value in self._job.fields().items():
            if job.get(name) != value:
                raise ManifestError(
                    f"{self._target.address} was begun with another {name} ({job.get(name)}, now {value}); go on with "
                    f"that, {again}"
                )

    def _done(self, file: InputFile) -> Outcome | None:
        size = self._sizes.get(file.output)
        if size is None:
            return None
        outcome = self.outcomes.get(file.name)
        if not outcome or outcome.size != size:
            outcome = read_outcome(self._target, file.output)
        if not outcome or (outcome.name, outcome.version, outcome.job) != (
            file.name,
            file.version,
            self._job.fingerprint,
        ):
            return None
        return replace(outcome, size=size)
