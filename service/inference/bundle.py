"""The bundle: the folder that holds everything inference needs. Read and verified here; `training` writes it.

A bundle is data from outside: whatever its files hold, the result is a bundle or one `BundleError`, and no file is read
whose size nobody has checked.
"""

import hashlib
import io
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import from_json

from service.errors import BundleError
from service.inference.manifest import MANIFEST_FILE, SCHEMA_VERSION, Manifest, NgramSpec
from service.replacement import FileStamp, file_stamps

MAX_MANIFEST_BYTES = 4 << 20
MAX_FILE_BYTES = 2 << 30
"""Largest file of a bundle: a graph is a protocol buffer, and these end at 2 GiB."""


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: every file that the manifest names is there and has its hash."""

    path: Path
    manifest: Manifest

    def read(self, name: str) -> bytes:
        """Return the content of a file, verified again: the folder may have changed since the bundle was opened.

        Raises:
            BundleError: the file cannot be read, or is not the one that the manifest names.
        """
        with open_regular_file(self.path / name, MAX_FILE_BYTES) as stream:
            content = stream.read()
        _check_hash(self.path / name, hashlib.sha256(content).hexdigest(), self.manifest.files[name])
        return content

    def read_vocabulary(self) -> list[str]:
        """Return the words, or characters, in order of their rank, from 1.

        Raises:
            BundleError: the file has changed.
            ValueError: it is not UTF-8.
        """
        # Only "\n" ends a line: words hold other characters that Python counts as line ends.
        return self.read(self.manifest.tokenizer.vocabulary).decode().removesuffix("\n").split("\n")

    def read_ngrams(self, spec: NgramSpec) -> NDArray[np.int64]:
        """Return the keys of the n-grams that the model has weights for, int64[n].

        Raises:
            BundleError: the file has changed.
            ValueError: it is not one array of such numbers.
        """
        content = self.read(spec.file)
        stream = io.BytesIO(content)
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("it is not in version 1.0 of NumPy's format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        if len(shape) != 1 or dtype != np.int64:
            raise ValueError("it is not one row of 64-bit whole numbers")
        size = len(content) - stream.tell()
        if size != shape[0] * dtype.itemsize:  # before memory is taken for what the header claims
            raise ValueError(f"its header announces {shape[0]:,} numbers, and {size:,} bytes follow")
        return np.frombuffer(content, np.int64, offset=stream.tell())

    def graph_path(self, precision: str) -> Path:
        """Return the path of the graph for a precision.

        Raises:
            BundleError: the bundle has no graph of that precision.
        """
        graph = self.manifest.graphs.get(precision)
        if graph is None:
            has = ", ".join(self.manifest.graphs)
            raise BundleError(f"{self.path}: there is no {precision} graph in this bundle; it has {has}.")
        return self.path / graph.file


def open_bundle(path: Path) -> Bundle:
    """Read the manifest of the bundle in a folder, and verify its files.

    Raises:
        BundleError: one line that says which file of which bundle is wrong, and how.
    """
    manifest = read_manifest(path / MANIFEST_FILE)
    unlisted = sorted(manifest.mentioned_files - set(manifest.files))
    if unlisted:
        raise BundleError(f"{path / MANIFEST_FILE}: no hash is given for {', '.join(unlisted)}.")
    for name, expected in manifest.files.items():
        with open_regular_file(path / name, MAX_FILE_BYTES) as stream:
            _check_hash(path / name, hashlib.file_digest(stream, "sha256").hexdigest(), expected)
    return Bundle(path, manifest)


def find_bundles(models_dir: Path) -> list[Path]:
    """Return the folders `<name>/<version>` below `models_dir` that hold a bundle, versions in rising order.

    Raises:
        BundleError: the folder is not there or holds no bundle.
    """
    if not models_dir.is_dir():
        raise BundleError(
            f"{models_dir}: there is no such folder of models; --models-dir or SENTIMENT_MODELS_DIR names it."
        )
    found = [path for path in models_dir.glob("*/*") if re.fullmatch(r"[1-9][0-9]*", path.name) and path.is_dir()]
    if not found:
        raise BundleError(f"{models_dir}: holds no bundle (<name>/<version>/{MANIFEST_FILE}).")
    return sorted(found, key=lambda path: (path.parent.name, int(path.name)))


def find_versions(models_dir: Path, name: str) -> dict[int, Path]:
    """Return the folders of a model's versions by their numbers, in rising order.

    Raises:
        BundleError: there is no such model, or no bundle at all.
    """
    paths = find_bundles(models_dir)
    versions = {int(path.name): path for path in paths if path.parent.name == name}
    if not versions:
        there = ", ".join(dict.fromkeys(path.parent.name for path in paths))
        raise BundleError(f"{models_dir}: there is no model {name!r}; there is {there}. --model chooses.")
    return versions


def bundle_files(models_dir: Path) -> dict[Path, FileStamp]:
    """Return what changes when a bundle comes, goes or changes; nothing if there is no such folder."""
    return file_stamps(path for path in models_dir.glob("*/*/*") if path.parent.name.isdecimal())


def one_line(reason: object) -> str:
    """Return an error's message on one line, shortened, without a period at its end."""
    return " ".join(str(reason).split())[:300].rstrip(".")


def read_manifest(path: Path) -> Manifest:
    """Read a manifest, and compare it with the name of its folder.

    Raises:
        BundleError: it cannot be read, is none, or is that of another folder.
    """
    try:
        with open_regular_file(path, MAX_MANIFEST_BYTES) as stream:
            content = from_json(stream.read())  # it limits the depth of nesting
    except ValueError as error:
        raise BundleError(f"{path}: is not JSON: {one_line(error)}.") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{path}: has schema version {one_line(version)}, this service reads {SCHEMA_VERSION}; "
            "use a matching release."
        )
    try:
        manifest = Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the manifest"
        message = first["msg"].removeprefix("Value error, ")
        raise BundleError(f"{path}: {one_line(place)}: {one_line(message)}.") from error
    if (manifest.name, str(manifest.version)) != (path.parent.parent.name, path.parent.name):
        raise BundleError(
            f"{path}: is {one_line(manifest.name)} version {manifest.version}, which its folder's name contradicts; "
            "python -m training publish BUNDLE --name NAME --version VERSION makes a copy under another name."
        )
    return manifest


def open_regular_file(path: Path, max_bytes: int) -> io.BufferedReader:
    """Open a regular file of limited size. What is no file, such as a FIFO, might never give or end its content.

    Raises:
        BundleError: it cannot be opened, is no regular file, or is larger.
    """
    try:
        # Without O_NONBLOCK opening a FIFO waits for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}.") from error
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode) or about.st_size > max_bytes:
        os.close(descriptor)
        fault = f"has {about.st_size:,} bytes; at most {max_bytes:,} are read"
        raise BundleError(f"{path}: {fault if stat.S_ISREG(about.st_mode) else 'is not a regular file'}.")
    return os.fdopen(descriptor, "rb")


def _check_hash(path: Path, actual: str, expected: str) -> None:
    if actual != expected:
        raise BundleError(f"{path}: is not the file that the manifest names (its SHA-256 differs).")
