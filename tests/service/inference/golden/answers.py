"""Compute the answers of a bundle to the recorded texts."""

import json
from pathlib import Path
from typing import Any

from service.inference.bundle import find_bundles, open_bundle
from service.inference.predictor import Predictor

FOLDER = Path(__file__).parent
BUNDLES = find_bundles(Path(__file__).parents[4] / "models")


def recorded_file(bundle: Path) -> Path:
    """Return the file with the recorded answers of a bundle."""
    return FOLDER / f"{bundle.parent.name}-{bundle.name}.json"


def texts() -> list[str]:
    """Return the recorded texts: sentences, long texts and odd ones, in English and Korean."""
    content: list[str] = json.loads((FOLDER / "texts.json").read_text())
    return content


def answers(bundle: Path) -> dict[str, Any]:
    """Return of each text the counts, and of each precision the probabilities."""
    opened = open_bundle(bundle)
    result: dict[str, Any] = {}
    for precision in sorted(opened.manifest.graphs):
        predictions = Predictor.load(opened, precision).predict(texts())
        result[precision] = [prediction.probability for prediction in predictions]
        result["counts"] = [[p.words, p.known_words, p.truncated] for p in predictions]
    return result
