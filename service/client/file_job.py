"""One file to be scored: its source, its chunks, and the output in the making."""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from service.api.schemas import ModelResponse
from service.checkpoint import Part
from service.client.calls import Call, FileSummary
from service.client.chunks import CSV, NDJSON, PLAIN, TSV, FileOptions, Place, ScoredChunk, chunk_calls, ending

_MEDIA_TYPES = {".csv": CSV, ".tsv": TSV, ".ndjson": NDJSON, ".jsonl": NDJSON, ".txt": PLAIN}
_ANSWER_SUFFIXES = {CSV: (".csv",), TSV: (".tsv",), NDJSON: (".ndjson", ".jsonl"), PLAIN: (".ndjson", ".jsonl")}
_OTHER_FORMATS = frozenset({*_MEDIA_TYPES, ".json", ".parquet", ".xlsx", ".xls"}) - {".txt"}


class FileJob:
    """A file that is scored chunk by chunk, and continued where an interrupted run stopped.

    The output stays `TARGET.part` until it is whole. To be opened, in a `with` statement.

    Args:
        source: the file.
        target: becomes the scored file.
        options: how the file is to be read.

    Raises:
        ValueError: a suffix says nothing or contradicts the format; the target is the source.
    """

    def __init__(self, source: Path, target: Path, options: FileOptions) -> None:
        self._media_type = media_type_of(source)
        _check_target(source, target, self._media_type)
        self._path = source
        self._target = target
        self._options = options

    def open(self, models: Sequence[ModelResponse], restart: bool) -> Self:
        """Open the source, and the output at the place where an interrupted run stopped.

        Args:
            models: what the service has loaded, so that no other model continues.
            restart: whether to begin anew, whatever an interrupted run left.

        Raises:
            CheckpointError: an interrupted run of another job left its output there.
            OSError: a file cannot be read or written.
        """
        source = gzip.open(self._path) if self._path.suffix == ".gz" else self._path.open("rb")  # noqa: SIM115
        self._source = cast(BinaryIO, source)
        status = self._path.stat()
        job = {
            "input": f"{self._path.resolve()}, {status.st_size} bytes, modified at {status.st_mtime_ns}",
            "format": self._media_type,
            "options": self._options.params(),
            "model": sorted(map(_described, models)),
        }
        try:
            self._part = Part(self._target, job, True, restart, "restart=True")
        except BaseException:
            self._source.close()
            raise
        self._scored = self._part.state.get("scored", 0)
        self._errors = self._part.state.get("errors", 0)
        return self

    def calls(self) -> Iterator[Call[ScoredChunk]]:
        """Build the requests that are left."""
        # A run that continues has the same key, as another version would answer the rest otherwise.
        key = sha256(str(self._path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
        options = replace(self._options, query=self._options.query.together(key))
        return chunk_calls(self._source, self._media_type, options, Place(*self._part.position))

    def add(self, chunk: ScoredChunk) -> None:
        """Write the answer to the next chunk."""
        self._scored += chunk.summary.scored
        self._errors += chunk.summary.errors
        self._part.write(chunk.content)
        counts = {"scored": self._scored, "errors": self._errors}
        self._part.checkpoint((chunk.after.offset, chunk.after.lines), counts)

    def finish(self) -> FileSummary:
        """Make the output the target."""
        summary = FileSummary(self._scored, self._errors)
        self._part.write(ending(self._media_type, summary))
        self._part.finish()
        return summary

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._part.close()
        self._source.close()


def media_type_of(source: Path) -> str:
    """Choose the media type of a file by its suffix, before `.gz` if it has that too.

    Raises:
        ValueError: the suffix is another.
    """
    media_type = _MEDIA_TYPES.get(_suffix(source))
    if media_type is None:
        raise ValueError(
            f"What {source} holds cannot be told from its name; it should end in {', '.join(_MEDIA_TYPES)}."
        )
    return media_type


def _described(model: ModelResponse) -> str:
    share = f", {model.share:g} of the requests" if 0 < model.share < 1 else ""
    labels = "".join(f", {label}" for label in model.version_labels)
    return f"{model.name}/{model.version}, {model.precision}{', default' * model.default}{labels}{share}"


def _check_target(source: Path, target: Path, media_type: str) -> None:
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"The target is the source, {source}; name another file for the answers.")
    suffix, fitting = _suffix(target), _ANSWER_SUFFIXES[media_type]
    if suffix in _OTHER_FORMATS and suffix not in fitting:
        raise ValueError(f"The answers to {source.name} are no {suffix} file; name one that ends in {fitting[0]}.")


def _suffix(path: Path) -> str:
    return (Path(path.stem).suffix if path.suffix == ".gz" else path.suffix).lower()
