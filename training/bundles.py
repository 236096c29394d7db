"""The model versions that a command line names, and what their manifests say that they are worth."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.inference.bundle import Bundle, find_bundles, open_bundle
from training.errors import DataError
from training.recipes import LECTURE

DEFAULT_MODEL = LECTURE.model_name
_MODEL = re.compile(r"(?:(?P<name>[a-z0-9][a-z0-9-]*)/)?(?P<version>[1-9][0-9]*)")


def names_model(argument: str) -> bool:
    """Whether an argument is a version, `2`, or a name with a version, `imdb-conv1d/2`, and so no file."""
    return _MODEL.fullmatch(argument) is not None


def model_label(bundle: Bundle) -> str:
    """Name and version."""
    return f"{bundle.manifest.name}/{bundle.manifest.version}"


def open_models(arguments: Sequence[str], models_dir: Path) -> list[Bundle]:
    """The verified bundles of the models that are named; a version alone is one of `DEFAULT_MODEL`.

    Raises:
        DataError: there is no such model.
        BundleError: the folder has no models, or one of them is damaged.
    """
    there = {f"{path.parent.name}/{path.name}": path for path in find_bundles(models_dir)}
    bundles = []
    for argument in arguments:
        label = argument if "/" in argument else f"{DEFAULT_MODEL}/{argument}"
        if label not in there:
            raise DataError(f"{models_dir} has no model {label}; it has {', '.join(there)}.")
        bundles.append(open_bundle(there[label]))
    return bundles


def recorded_figures(bundles: Sequence[Bundle]) -> dict[str, Any]:
    """What was measured of each when it was made, as plain JSON values."""
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
