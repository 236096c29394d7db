"""Copy a bundle into a folder of models, under a name and a version of its own."""

import json
import os
import shutil
from pathlib import Path

from service.inference.bundle import open_bundle
from service.inference.manifest import MANIFEST_FILE
from training.errors import RunError
from training.recipes import free_version


def publish(source: Path, models_dir: Path, name: str | None = None, version: int | None = None) -> Path:
    """Copy a bundle and its report; the bundle appears whole and checked, or not at all.

    Args:
        source: folder of a bundle, or of a run that holds one.
        models_dir: folder of models.
        name: of the model; None keeps it.
        version: None takes the next free one.

    Returns:
        The folder of the copy.

    Raises:
        RunError: there is no bundle, or the version is taken.
        BundleError: the bundle is damaged, or the name is none.
    """
    bundle = _bundle_of(source)
    manifest = json.loads((bundle / MANIFEST_FILE).read_bytes())
    name = name or manifest["name"]
    version = version or free_version(models_dir, name)
    target = models_dir / name / str(version)
    if target.exists():
        raise RunError(f"{target} exists already; --version {free_version(models_dir, name)} is free.")
    partial = models_dir / name / f".{version}.partial" / name / str(version)
    shutil.rmtree(partial.parents[1], ignore_errors=True)
    try:
        shutil.copytree(bundle, partial)
        recipe = manifest["recipe"]
        named = {"model_name": name, "model_version": version}
        manifest |= {"name": name, "version": version, "recipe": recipe | (named if "model_name" in recipe else {})}
        (partial / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1) + "\n")
        open_bundle(partial)
        os.replace(partial, target)
    finally:
        shutil.rmtree(partial.parents[1], ignore_errors=True)
    report = bundle.parent / "reports" / bundle.name
    if report.is_dir():
        shutil.copytree(report, models_dir / name / "reports" / str(version), dirs_exist_ok=True)
    return target


def _bundle_of(source: Path) -> Path:
    """Return the folder of the only bundle in a folder."""
    found = [source] if (source / MANIFEST_FILE).exists() else sorted(source.glob(f"models/*/[0-9]*/{MANIFEST_FILE}"))
    found = [path.parent if path.name == MANIFEST_FILE else path for path in found]
    if len(found) != 1:
        what = f"{len(found)} bundles: {', '.join(map(str, found))}; name one of them" if found else "no bundle"
        raise RunError(f"{source} holds {what}. A finished run has models/<name>/<version>/{MANIFEST_FILE}.")
    return found[0]
