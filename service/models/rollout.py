"""The rollout of a model: `models/<name>/rollout.json`, which labels its versions and says which of them answers."""

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import from_json

from service.errors import BundleError
from service.inference.bundle import one_line, open_regular_file
from service.replacement import FileStamp, file_stamps
from service.versions import LABEL_PATTERN, JsonVersion, Version, check_version, parse_version

ROLLOUT_FILE = "rollout.json"
MAX_ROLLOUT_BYTES = 100_000

VersionNumber = Annotated[int, Field(strict=True, ge=1, lt=10**9)]


class ShadowRule(BaseModel):
    """The version that reads, unseen, what another one has answered.

    Attributes:
        version: that reads along.
        share: share of the answered texts that it should read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: JsonVersion
    share: Annotated[float, Field(strict=True, gt=0, le=1)]


class Rollout(BaseModel):
    """The content of `rollout.json`.

    Attributes:
        labels: version by label.
        serve: the version that answers requests which name none, or the weight of each that does; None for the
            highest version.
        shadow: the version that reads along; None for none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: dict[str, VersionNumber] = {}
    serve: JsonVersion | dict[str, float] | None = None
    shadow: ShadowRule | None = None

    @field_validator("labels")
    @classmethod
    def _check_labels(cls, labels: dict[str, int]) -> dict[str, int]:
        for label in labels:
            if not re.fullmatch(LABEL_PATTERN, label):
                raise ValueError(f"{label!r:.50} is no label: it should be letters, digits, . _ -, a letter first")
        return labels

    @field_validator("serve", mode="wrap")
    @classmethod
    def _check_serve(cls, serve: Any, _: Any) -> Any:
        """Check what is served by hand: of a union every alternative would have its say."""
        if isinstance(serve, dict):
            weights = [value for value in serve.values() if type(value) in (int, float) and 0 <= value <= 1e9]
            if len(weights) < len(serve) or not sum(weights):
                raise ValueError("the weights should be numbers from 0 on, one of them above it")
            for version in serve:
                parse_version(version)
            return serve
        if isinstance(serve, list):
            raise ValueError('it should be a version, a label, or weights such as {"stable": 95, "next": 5}')
        return serve if serve is None else check_version(serve)

    @model_validator(mode="after")
    def _check_mentioned(self) -> Self:
        for version in self._served():
            self.number(version)
        if self.shadow:
            self.number(self.shadow.version)
        return self

    @property
    def mentioned(self) -> frozenset[int]:
        """The numbers of all versions that the file names."""
        shadow = [] if self.shadow is None else [self.number(self.shadow.version)]
        return frozenset({*self.labels.values(), *self.weights, *shadow})

    @property
    def weights(self) -> dict[int, float]:
        """The weight of each version that is served, in the order of the file; empty for the highest version."""
        weights: dict[int, float] = {}
        for version, weight in self._served().items():
            number = self.number(version)
            weights[number] = weights.get(number, 0.0) + weight
        return weights

    def number(self, version: Version) -> int:
        """Return the number of a version, which may be a label.

        Raises:
            ValueError: there is no such label.
        """
        if isinstance(version, int):
            return version
        if version not in self.labels:
            there = ", ".join(self.labels) or "none"
            raise ValueError(f"there is no label {version!r:.50}; there is {there}")
        return self.labels[version]

    def served(self, there: Collection[int]) -> dict[int, float]:
        """Divide requests that name no version among versions.

        Args:
            there: the versions that can answer, in rising order; not empty.

        Returns:
            The share of each; shares sum to 1. Versions that cannot answer leave theirs to the others. If none of
            the served versions can answer, the highest has all.
        """
        weights = {number: weight for number, weight in self.weights.items() if number in there}
        total = sum(weights.values())
        return {number: weight / total for number, weight in weights.items()} if total else {max(there): 1.0}

    def main(self, there: Collection[int]) -> int:
        """Return the version that most requests get of those that can answer (see `served`)."""
        shares = self.served(there)
        return max(shares, key=lambda number: shares[number])

    def fields(self) -> dict[str, Any]:
        """Return the content of the file."""
        return self.model_dump(exclude_defaults=True)

    def _served(self) -> dict[Version, float]:
        if isinstance(self.serve, dict):
            return {parse_version(version): weight for version, weight in self.serve.items()}
        return {} if self.serve is None else {self.serve: 1.0}


def read_rollout(model_dir: Path) -> Rollout:
    """Read the rollout of a model; one without a file is empty.

    Raises:
        BundleError: the file cannot be used.
    """
    path = model_dir / ROLLOUT_FILE
    return parse_rollout(read_content(path), path) if path.exists() else Rollout()


def read_content(path: Path) -> bytes:
    """Read a rollout file.

    Raises:
        BundleError: it cannot be read, or is too large.
    """
    with open_regular_file(path, MAX_ROLLOUT_BYTES) as stream:
        return stream.read()


def parse_rollout(content: bytes, path: Path) -> Rollout:
    """Parse the content of a rollout file.

    Raises:
        BundleError: it cannot be used.
    """
    try:
        return Rollout.model_validate(from_json(content))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        message = one_line(first["msg"].removeprefix("Value error, "))
        raise BundleError(f"{path}: {f'{one_line(place)}: ' if place else ''}{message}.") from error
    except ValueError as error:
        raise BundleError(f"{path}: is not JSON: {one_line(error)}.") from error


def written(rollout: Rollout) -> bytes:
    """Return the content of the file of a rollout."""
    return (json.dumps(rollout.fields(), indent=2) + "\n").encode()


def rollout_files(models_dir: Path) -> Mapping[Path, FileStamp]:
    """Return what changes when a rollout comes, goes or changes."""
    return file_stamps(models_dir.glob(f"*/{ROLLOUT_FILE}"))
