"""One file of a corpus, scored into its output: what a worker does."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from itertools import chain
from typing import Any

from pyarrow import parquet

from service.cluster.corpus import InputFile
from service.cluster.storage import Storage
from service.cluster.tables import Reading, read_rows
from service.errors import ServiceError
from service.files.answer_columns import AnswerColumns
from service.files.answering import Summary
from service.files.parquet import write_batches
from service.inference.bundle import one_line
from service.models.packed import PackedModels
from service.scoring import names_of_answers, predicted

METADATA_KEY = b"conv1d-sentiment"
"""Key of the outcome in the metadata of an output."""


@dataclass(frozen=True)
class Job:
    """The choices that the outputs of a run depend on, beside their inputs.

    Attributes:
        source: address of the corpus.
        target: address of the folder of outputs.
        reading: how files are read.
        prefix: of the added columns (see `names_of_answers`).
        model: identity of the models.
    """

    source: str
    target: str
    reading: Reading
    prefix: str
    model: str

    def fields(self) -> dict[str, Any]:
        """Return all of it but the addresses, which change when folders are moved."""
        fields: dict[str, Any] = json.loads(json.dumps(asdict(self.reading)))
        return {"model": self.model, "prefix": self.prefix, **fields}

    @property
    def fingerprint(self) -> str:
        """A hash of `fields`."""
        return sha256(json.dumps(self.fields(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """The result of a file: counts of its records, or an error.

    Attributes:
        name: of the file.
        version: what identifies its content.
        job: fingerprint of the job that it was scored by.
        summary: counts of its records.
        error: why it has no output.
        size: bytes of its output; 0 within the output itself.
        cpu_seconds: processor time that it took.
    """

    name: str
    version: dict[str, Any]
    job: str
    summary: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    size: int = 0
    cpu_seconds: float = 0.0

    @property
    def counts(self) -> Summary:
        """The counts of its records."""
        return Summary(**self.summary)


def score_file(job: Job, file: InputFile, models: PackedModels) -> Outcome:
    """Score a file and write its output, in one step and with its outcome inside.

    An error of the file is an outcome too; it has no output then.

    Raises:
        BundleError: the models cannot be loaded here.
    """
    models.load()
    try:
        return _written(job, file, models)
    except Exception as error:  # every file system, and every library that reads a format, has errors of its own
        message = str(error) if isinstance(error, ServiceError) else f"{type(error).__name__}: {one_line(error)}"
        return Outcome(file.name, file.version, job.fingerprint, error=message)


def read_outcome(target: Storage, output: str) -> Outcome | None:
    """Read what an output says of itself; None if it is none of ours."""
    try:
        with target.files.open(target.path(output), "rb") as file:
            metadata = parquet.read_metadata(file).metadata or {}
        return Outcome(**json.loads(metadata[METADATA_KEY]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _written(job: Job, file: InputFile, models: PackedModels) -> Outcome:
    choice = models.load()
    began = time.process_time()
    source = Storage(job.source).files
    rows = read_rows(lambda: source.open(file.path, "rb"), file.name, job.reading)
    first = next(rows)
    columns = AnswerColumns(first.batch.schema, names_of_answers(first.batch.schema.names, job.prefix))
    summary = Summary()

    def answered() -> Iterator[Any]:
        for part in chain((first,), rows):
            predictions = predicted(choice, part.texts)
            summary.count(part.texts, predictions)
            yield columns.appended(part.batch, part.texts, predictions, part.place)

    with Storage(job.target).written(file.output) as path:
        with parquet.ParquetWriter(path, columns.schema) as writer:
            write_batches(writer, answered())
            outcome = Outcome(file.name, file.version, job.fingerprint, summary.state())
            writer.add_key_value_metadata({METADATA_KEY: json.dumps(asdict(outcome)).encode()})
        size = path.stat().st_size
    return replace(outcome, size=size, cpu_seconds=round(time.process_time() - began, 3))
