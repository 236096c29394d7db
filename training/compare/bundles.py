"""Open the models that a command line names, and read their measured quality from their manifests."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.inference.bundle import Bundle, find_bundles, open_bundle
from service.inference.manifest import MANIFEST_FILE
from training.errors import DataError
from training.recipes import LECTURE

DEFAULT_MODEL = LECTURE.model_name
_MODEL = re.compile(r"(?:(?P<name>[a-z0-9][a-z0-9-]*)/)?(?P<version>[1-9][0-9]*)")


def names_model(argument: str) -> bool:
    """Tell whether an argument is a version, `2`, a name with a version, `imdb-conv1d/2`, or the folder of a bundle."""
    return _MODEL.fullmatch(argument) is not None or _is_bundle(argument)


def _is_bundle(argument: str) -> bool:
    return (Path(argument) / MANIFEST_FILE).is_file()


def model_label(bundle: Bundle) -> str:
    """Return name and version of a model."""
    return f"{bundle.manifest.name}/{bundle.manifest.version}"


def open_models(arguments: Sequence[str], models_dir: Path) -> list[Bundle]:
    """Open and verify the bundles of the models that are named; a version alone is one of `DEFAULT_MODEL`.

    Raises:
        DataError: there is no such model.
        BundleError: the folder has no models, or one of them is damaged.
    """
    there: dict[str, Path] = {}
    if not all(map(_is_bundle, arguments)):
        there = {f"{path.parent.name}/{path.name}": path for path in find_bundles(models_dir)}
    bundles = []
    for argument in arguments:
        if _is_bundle(argument) and argument not in there:
            bundles.append(open_bundle(Path(argument)))
            continue
        label = argument if "/" in argument else f"{DEFAULT_MODEL}/{argument}"
        if label not in there:
            raise DataError(f"{models_dir} has no model {label}; it has {', '.join(there)}.")
        bundles.append(open_bundle(there[label]))
    return bundles


def recorded_figures(bundles: Sequence[Bundle]) -> dict[str, Any]:
    """Return what was measured of each model when it was made, as plain JSON values."""
    return {
        "models": [
            {
                "model": model_label(bundle),
                "description": bundle.manifest.description,
                "validation": bundle.manifest.recipe.get("validation"),
                "metrics": bundle.manifest.metrics,
                "graphs": {name: graph.metrics for name, graph in bundle.manifest.graphs.items()},
            }
            for bundle in bundles
        ]
    }
