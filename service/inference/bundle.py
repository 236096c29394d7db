"""A bundle: the folder that holds all that inference needs. Read and verified here; `training` writes it."""

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator

from service.errors import BundleError
from service.inference.languages import AUTO
from service.inference.part import FileName, Part
from service.inference.tokenizers import AnyTokenizerSpec

SCHEMA_VERSION = 1
MANIFEST_FILE = "manifest.json"

BundleFiles = dict[Path, tuple[int, int]]
"""Time of the last change (nanoseconds since the epoch) and size (bytes) of each file of each bundle."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class InputSpec(Part):
    """The graph's input and how a list of token ids is fitted to it."""

    name: str
    dtype: Literal["int32"]
    maxlen: int = Field(ge=1, description="Token ids that the model reads at most.")
    padding: Literal["pre", "post"]
    truncating: Literal["pre", "post"] = Field(description="Side on which a longer text loses ids.")


class NgramSpec(Part):
    """The graph's second input, if it has one: n-grams of the token ids (see `service.inference.ngrams`)."""

    name: str
    file: FileName = Field(description="NumPy file with the keys of the n-grams, int64[n], rising.")
    max_order: int = Field(ge=2, le=62, description="Token ids in the longest n-grams.")


class OutputSpec(Part):
    """The graph's output."""

    name: str
    dtype: Literal["float32"]
    logit: str | None = Field(default=None, description="Name of a second output, the logit, if the graphs have it.")


class LayerSpec(Part):
    """A layer of the network, for people to look at."""

    name: str
    kind: str = Field(description="Its class in Keras.")
    output_shape: tuple[int, ...] = Field(
        min_length=1, description="For one text: of most layers [positions, channels]."
    )
    parameters: int = Field(ge=0)
    kernel_size: int | None = Field(default=None, ge=1, description="Neighbours that one step of a convolution sees.")
    activations: str | None = Field(
        default=None,
        description="Of an unpadded convolution of stride 1 over embedded ids: the reference graph's output with what "
        "it gives, float32[batch, positions, filters].",
    )


class GraphSpec(Part):
    """One ONNX file that computes the model."""

    file: FileName
    input_shape: tuple[None, int | None] = Field(description="[batch, length]; null where any size goes.")
    metrics: dict[str, Any] = Field(description="What this graph measured against Keras and the test set.")


class Manifest(Part):
    """`manifest.json`, whole."""

    schema_version: int
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: int = Field(ge=1)
    description: str
    language: str = Field(default="en", pattern="^[a-z]{2}$", description="Of the texts it learned from (ISO 639-1).")
    tokenizer: AnyTokenizerSpec
    input: InputSpec
    ngrams: NgramSpec | None = None
    output: OutputSpec
    graphs: dict[str, GraphSpec] = Field(min_length=1, description="By precision.")
    layers: tuple[LayerSpec, ...] = Field(default=(), description="In the order of computation.")
    labels: tuple[str, str] = Field(description="Name of a probability below the threshold, then at or above.")
    threshold: float = Field(gt=0, lt=1)
    metrics: dict[str, Any] = Field(description="Measured quality.")
    recipe: dict[str, Any]
    seed: int
    libraries: dict[str, str] = Field(description="Versions that made the bundle.")
    files: dict[FileName, Sha256] = Field(description="SHA-256 of every other file of the bundle.")

    @field_validator("name")
    @classmethod
    def _names_one_model(cls, name: str) -> str:
        if name == AUTO:
            raise ValueError("this word asks for the model of a text's language, and names none")
        return name


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: every file is there and is the one that the manifest speaks of."""

    path: Path
    manifest: Manifest

    def read_vocabulary(self) -> list[str]:
        """The words, or characters, in order of their rank, from 1."""
        # Only "\n" ends a line: words hold other characters that Python counts as line ends.
        text = (self.path / self.manifest.tokenizer.vocabulary).read_bytes().decode("utf-8")
        return text.removesuffix("\n").split("\n")

    def read_ngrams(self, spec: NgramSpec) -> NDArray[np.int64]:
        """The keys of the n-grams that the model has weights for, int64[n].

        Raises:
            ValueError: the file is not one array of such numbers.
        """
        with (self.path / spec.file).open("rb") as stream:
            keys: NDArray[np.int64] = np.lib.format.read_array(stream, allow_pickle=False)
        if keys.ndim != 1 or keys.dtype != np.int64:
            raise ValueError("it is not one row of 64-bit whole numbers")
        return keys

    def graph_path(self, precision: str) -> Path:
        """The ONNX file for a precision.

        Raises:
            BundleError: the bundle has no graph of that precision.
        """
        graph = self.manifest.graphs.get(precision)
        if graph is None:
            has = ", ".join(self.manifest.graphs)
            raise BundleError(f"{self.path}: there is no {precision} graph in this bundle; it has {has}.")
        return self.path / graph.file


def open_bundle(path: Path) -> Bundle:
    """Reads and verifies the bundle in a folder.

    Raises:
        BundleError: one line that says which file of which bundle is wrong, and how.
    """
    manifest = _read_manifest(path / MANIFEST_FILE)
    mentioned = {manifest.tokenizer.vocabulary, *(graph.file for graph in manifest.graphs.values())}
    if manifest.ngrams:
        mentioned.add(manifest.ngrams.file)
    unlisted = sorted(mentioned - set(manifest.files))
    if unlisted:
        raise BundleError(f"{path / MANIFEST_FILE}: no hash is given for {', '.join(unlisted)}.")
    for name, expected in manifest.files.items():
        try:
            with (path / name).open("rb") as stream:
                actual = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise BundleError(f"{path / name}: cannot be read: {error.strerror}.") from error
        if actual != expected:
            raise BundleError(f"{path / name}: is not the file that the manifest names (its SHA-256 differs).")
    return Bundle(path, manifest)


def find_bundles(models_dir: Path) -> list[Path]:
    """Folders `<name>/<version>` below `models_dir` that hold a bundle, versions in rising order.

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


def bundle_files(models_dir: Path) -> BundleFiles:
    """What tells whether a bundle has come, gone or changed; nothing where there is no such folder."""
    files = {}
    for path in models_dir.glob("*/*/*"):
        if path.parent.name.isdecimal():
            with suppress(FileNotFoundError):  # it went in between
                about = path.stat()
                files[path] = about.st_mtime_ns, about.st_size
    return files


def _read_manifest(path: Path) -> Manifest:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise BundleError(f"{path}: is not JSON: {error}.") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{path}: has schema version {version}, this service reads {SCHEMA_VERSION}; use a matching release."
        )
    try:
        manifest = Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BundleError(f"{path}: {place}: {first['msg']}.") from error
    if (manifest.name, str(manifest.version)) != (path.parent.parent.name, path.parent.name):
        raise BundleError(
            f"{path}: is {manifest.name} version {manifest.version}, which its folder's name contradicts."
        )
    return manifest
