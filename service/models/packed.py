"""Models as bytes, for worker processes on machines that have no folder of them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from service.errors import BundleError
from service.inference.manifest import MANIFEST_FILE
from service.models.loading import load_choice
from service.models.model_choice import Choice
from service.settings import Settings


@dataclass(frozen=True)
class PackedModels:
    """The bundles of a choice of models, to be pickled and loaded elsewhere.

    Attributes:
        identity: names, versions, precisions and hashes of the graphs (see `Choice.identity`).
        settings: by which they were chosen.
        files: contents of the bundles' files by path: `<name>/<version>/<file>`.
    """

    identity: str
    settings: Settings = field(compare=False)
    files: Mapping[str, bytes] = field(compare=False, repr=False)

    @classmethod
    def pack(cls, settings: Settings) -> Self:
        """Read the bundles of the default choice.

        Raises:
            BundleError: a model is missing or cannot be used.
        """
        choice = load_choice(settings)
        files = {}
        for predictor in choice.predictors:
            for name in (MANIFEST_FILE, *predictor.manifest.files):
                path = f"{predictor.name}/{name}"
                files[path] = (settings.models_dir / path).read_bytes()
        return cls(choice.identity, settings, files)

    def load(self) -> Choice:
        """Load the models; once in each process, however often it is asked.

        Raises:
            BundleError: this machine would answer by other graphs than the one that packed them.
        """
        return _load(self)


@lru_cache(maxsize=1)
def _load(packed: PackedModels) -> Choice:
    with TemporaryDirectory() as folder:
        for path, content in packed.files.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        choice = load_choice(packed.settings.model_copy(update={"models_dir": Path(folder)}))
    if choice.identity != packed.identity:
        raise BundleError(
            f"The processor of {os.uname().nodename} would answer by another graph, with other probabilities: "
            f"{choice.identity}, not {packed.identity}. Name one for all machines: --precision float32"
        )
    return choice
