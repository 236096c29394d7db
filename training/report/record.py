"""Write down the figures of a run, and read them back from its folder or from the report beside a model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.inference.bundle import open_bundle
from service.inference.manifest import Manifest
from training.errors import RunError
from training.recipes import LABELS
from training.report.plots import history_pictures, length_picture, metrics_pictures
from training.report.style import Picture


@dataclass(frozen=True)
class RunRecord:
    """Hold the figures of a run; all but `metrics` may be missing, and then are empty.

    Attributes:
        metrics: of the exported model on the test reviews, `metrics.json`.
        history: values per epoch by name, `history.json`.
        data: `explore.data_facts` of the reviews, `data.json`.
        recipe: `recipe.json`, or what the bundle says.
        libraries: versions by name, `versions.json`, or what the bundle says.
        manifest: of the bundle, if it is there.
    """

    metrics: dict[str, Any]
    history: dict[str, list[float]] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    manifest: Manifest | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of the classes."""
        return tuple(self.manifest.labels) if self.manifest else LABELS

    @property
    def model(self) -> str:
        """Return name and version, or an empty string where they are unknown."""
        if self.manifest:
            return f"{self.manifest.name}/{self.manifest.version}"
        return f"{self.recipe['model_name']}/{self.recipe['model_version']}" if self.recipe else ""


def read_record(folder: Path) -> RunRecord:
    """Read a run folder, `runs/<recipe>`, or the report of a model, `models/<name>/reports/<version>`.

    Raises:
        RunError: there is no finished run, or its files are damaged.
        BundleError: the bundle beside it is damaged.
    """
    if not (folder / "metrics.json").exists():
        raise RunError(
            f"{folder} holds no finished run, metrics.json is missing: name the folder of one with --run-dir, "
            "such as models/imdb-conv1d/reports/1, or finish it with --resume."
        )
    recipe = _read(folder / "recipe.json")
    bundle = _bundle(folder, recipe)
    manifest = open_bundle(bundle).manifest if bundle else None
    return RunRecord(
        metrics=_read(folder / "metrics.json"),
        history=_read(folder / "history.json"),
        data=_read(folder / "data.json"),
        recipe=recipe or (dict(manifest.recipe) if manifest else {}),
        libraries=_read(folder / "versions.json") or (dict(manifest.libraries) if manifest else {}),
        manifest=manifest,
    )


def run_pictures(record: RunRecord) -> list[Picture]:
    """Draw every picture that there are figures for."""
    lengths = [length_picture(record.data["length"])] if record.data.get("length") else []
    return [*history_pictures(record.history), *metrics_pictures(record.metrics, record.labels), *lengths]


def write_report(record: RunRecord, pictures: Sequence[Picture], folder: Path) -> None:
    """Write the figures and the pictures of a run into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("history", record.history), ("metrics", record.metrics), ("data", record.data)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    for picture in pictures:
        picture.write(folder)


def _bundle(folder: Path, recipe: dict[str, Any]) -> Path | None:
    """Return the bundle in a run's own models folder, or the one beside a report."""
    candidates = (
        [folder.resolve().parents[1] / folder.resolve().name] if folder.resolve().parent.name == "reports" else []
    )
    if recipe:
        candidates.append(folder / "models" / recipe["model_name"] / str(recipe["model_version"]))
    return next((path for path in candidates if (path / "manifest.json").exists()), None)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text())
    except (ValueError, OSError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise RunError(f"{path} holds no JSON object.")
    return content
