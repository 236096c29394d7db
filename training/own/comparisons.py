"""Compare a new model with others on the same held-out texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from service.inference.bundle import Bundle, open_bundle
from service.inference.manifest import MANIFEST_FILE
from service.inference.precision import choose_precision
from service.inference.predictor import Predictor
from training.compare.comparison import mcnemar
from training.errors import DataError

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """Hold the figures of another way of labelling the same held-out texts.

    Attributes:
        name: of it.
        accuracy: share of right labels.
        macro_f1: mean F1 of both labels.
        p_value: of McNemar's exact test against the new model.
    """

    name: str
    accuracy: float
    macro_f1: float
    p_value: float


def base_bundle(models_dir: Path, language: str, base: str | None) -> Bundle | None:
    """Return the model to compare with: the one named, or the newest of a data set in the language of the texts.

    Raises:
        DataError: there is no such model.
    """
    bundles = [open_bundle(path.parent) for path in sorted(models_dir.glob(f"*/[0-9]*/{MANIFEST_FILE}"))]
    if base is not None:
        named = [each for each in bundles if f"{each.manifest.name}/{each.manifest.version}" == base]
        if not named:
            raise DataError(f"{models_dir} has no model {base} to compare with.")
        return named[0]
    # Models of own texts have the file in their recipe; they tell little of texts from elsewhere.
    others = [each for each in bundles if "file" not in each.manifest.recipe]
    of_language = [each for each in others if each.manifest.language == language]
    return max(of_language, key=lambda each: (each.manifest.name, each.manifest.version), default=None)


def compare(predicted: Ints, others: Mapping[str, Ints], labels: Ints) -> list[Comparison]:
    """Compare the labels of the new model with those that others give to the same texts.

    Args:
        predicted: 0 or 1 for each text, int64[n].
        others: the same of each other model, by its name.
        labels: the right ones.
    """
    own_right = predicted == labels
    return [
        Comparison(
            name=name,
            accuracy=float((other == labels).mean()),
            macro_f1=macro_f1(other, labels),
            p_value=mcnemar(int((own_right & (other != labels)).sum()), int((~own_right & (other == labels)).sum())),
        )
        for name, other in others.items()
    ]


def macro_f1(predicted: Ints, labels: Ints) -> float:
    """Return the mean F1 of both labels."""
    return float(f1_score(labels, predicted, average="macro"))


def predicted_labels(bundle: Bundle, texts: Sequence[str]) -> Ints:
    """Return the label, 0 or 1, that a model gives to each text."""
    predictor = Predictor.load(bundle, choose_precision(bundle, "auto"))
    threshold = bundle.manifest.threshold
    return np.array([prediction.probability >= threshold for prediction in predictor.predict(texts)], np.int64)
