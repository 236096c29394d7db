"""Continue from a model that is there: its answer becomes one more feature beside the n-grams of a user's own texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.inference.bundle import Bundle, open_bundle
from service.inference.manifest import MANIFEST_FILE
from service.inference.predictor import Predictor
from service.inference.session import in_order
from service.inference.tokenizers import create_tokenizer
from service.inference.tokenizers.tokenizer import Tokenizer
from training.data.data_set import TokenizerConfig
from training.errors import DataError


@dataclass(frozen=True)
class Start:
    """Hold the model that training continues from, whatever recipe made it.

    Attributes:
        bundle: of it.
        config: its tokenizer, which the new model shares.
        tokenizer: the same.
        predictor: of its float32 graph.
    """

    bundle: Bundle
    config: TokenizerConfig
    tokenizer: Tokenizer
    predictor: Predictor

    @classmethod
    def open(cls, models_dir: Path, name: str) -> Self:
        """Open a model.

        Args:
            models_dir: with the bundles.
            name: `<name>`, which takes the newest version, or `<name>/<version>`.

        Raises:
            DataError: there is no such model, or its inputs are not padded on the right, as n-grams need it.
        """
        bundle = open_bundle(bundle_path(models_dir, name))
        manifest = bundle.manifest
        if manifest.input.padding != "post" or manifest.output.logit is None:
            raise DataError(f"{bundle.path}: this model cannot be continued: it gives no logit or pads on the left.")
        vocabulary = bundle.read_vocabulary()
        config = TokenizerConfig(vocabulary, manifest.tokenizer, manifest.language)
        return cls(bundle, config, create_tokenizer(vocabulary, manifest.tokenizer), Predictor.load(bundle, "float32"))

    def logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the logit that the model gives to each text, float64[texts]."""
        runs = self.predictor.runs(self.predictor.encode(texts))
        logits: NDArray[np.float64] = in_order(runs, [self.predictor.compute_logits(run) for run in runs]).astype(
            np.float64
        )
        return logits

    def __str__(self) -> str:
        return f"{self.bundle.manifest.name}/{self.bundle.manifest.version}"


def bundle_path(models_dir: Path, name: str) -> Path:
    """Return the folder of a model, of its newest version if `name` has none.

    Raises:
        DataError: there is no such model.
    """
    pattern = f"{name}/{MANIFEST_FILE}" if "/" in name else f"{name}/[1-9]*/{MANIFEST_FILE}"
    found = [path.parent for path in models_dir.glob(pattern) if path.parent.name.isdecimal()]
    if not found:
        there = sorted(
            str(path.parent.relative_to(models_dir)) for path in models_dir.glob(f"*/[1-9]*/{MANIFEST_FILE}")
        )
        raise DataError(f"{models_dir} has no model {name}; it has {', '.join(there) or 'none'}.")
    return max(found, key=lambda path: int(path.name))
