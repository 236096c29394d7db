"""The files of a corpus: of a folder, or those that a pattern names."""

from collections.abc import Sequence
from dataclasses import dataclass
from glob import has_magic
from typing import Any

from service.cluster.storage import Storage, StorageError, reached
from service.files.formats import SUFFIXES, suffix_of
from service.files.record import counted

_STAMPS = ("ETag", "etag", "mtime", "LastModified", "updated", "last_modified")
"""Members of a file system's information that change with the file."""

_NAMED = 3


@dataclass(frozen=True)
class InputFile:
    """A file to score.

    Attributes:
        name: its path in the folder of the corpus.
        path: its path in the file system.
        size: its bytes.
        stamp: changes when the file does.
    """

    name: str
    path: str
    size: int
    stamp: str

    @property
    def output(self) -> str:
        """Path of its output in the folder of outputs."""
        return self.name if self.name.endswith(".parquet") else f"{self.name}.parquet"

    @property
    def version(self) -> dict[str, Any]:
        """Size and stamp, which identify its content."""
        return {"size": self.size, "stamp": self.stamp}


@dataclass(frozen=True)
class Corpus:
    """The files to score, the largest first, so that none of them keeps a single worker busy at the end.

    Attributes:
        files: with different outputs.
        left_out: names of the files that were not taken, because their suffix is not known.
    """

    files: Sequence[InputFile]
    left_out: Sequence[str]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def notes(self) -> list[str]:
        """Say which files were left out."""
        if not self.left_out:
            return []
        named = ", ".join(self.left_out[:_NAMED]) + ", …" * (len(self.left_out) > _NAMED)
        return [
            f"{counted(len(self.left_out), 'file')} of other kinds left out: {named}. --format says what they hold."
        ]


def find_files(storage: Storage, format_name: str | None) -> Corpus:
    """Find the files of a corpus. Those are left out whose name, or folder, begins with `_` or `.`.

    Args:
        storage: a folder, a single file, or a pattern such as `s3://bucket/reviews/*/part-*.csv`, in which the folder
            of the corpus ends before the first wildcard.
        format_name: of all files; None takes those whose suffix names a format.

    Raises:
        StorageError: there is no file, or two of them would have one output.
    """
    files, root = storage.files, storage.root
    with reached(storage.address):
        if files.isdir(root):
            base, found = root, files.find(root, detail=True)
        elif files.exists(root):
            base, found = _parent(root), {root: files.info(root)}
        elif has_magic(root):
            base, found = _parent(root[: min(map(root.index, filter(root.count, "*?[")))] + "-"), {}
            for path, info in files.glob(root, detail=True).items():
                found |= files.find(path, detail=True) if info["type"] == "directory" else {path: info}
        else:
            raise StorageError(f"{storage.address}: there is no such file or folder.")
    taken, left_out = [], []
    for path, info in sorted(found.items()):
        name = path[len(base.rstrip("/")) + 1 :]
        if any(part.startswith(("_", ".")) for part in name.split("/")) or not name:
            continue
        if not format_name and suffix_of(name.rpartition("/")[2]) not in SUFFIXES:
            left_out.append(name)
            continue
        stamp = next((str(info[key]) for key in _STAMPS if info.get(key)), "")
        taken.append(InputFile(name, path, info["size"] or 0, stamp))
    corpus = Corpus(sorted(taken, key=lambda file: (-file.size, file.name)), left_out)
    if not taken:
        raise StorageError(" ".join([f"{storage.address}: no file to score.", *corpus.notes()]))
    _check_outputs(taken)
    return corpus


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _check_outputs(files: Sequence[InputFile]) -> None:
    names: dict[str, str] = {}
    for file in files:
        other = names.setdefault(file.output, file.name)
        if other != file.name:
            raise StorageError(f"{other} and {file.name} would have one output, {file.output}. Rename one of them.")
