"""Define what fitting a network gives, whatever its kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from service.inference.manifest import LayerSpec

History = dict[str, list[float]]
"""Values of each epoch by name: accuracy, loss, and others."""


@dataclass(frozen=True)
class Ngrams:
    """Hold the n-grams of a network's second input, as `service.inference.ngrams` looks them up.

    Attributes:
        name: of the input.
        keys: int64[n], rising.
        max_order: token ids in the longest n-gram.
    """

    name: str
    keys: NDArray[np.int64]
    max_order: int


@dataclass(frozen=True)
class Graphs:
    """Hold a trained network as ONNX graphs.

    Attributes:
        by_precision: `reference` as tf2onnx writes it, `float32` without needless work, and `int8`. Where `float32` is
            missing the reference stands for it.
        layers: description of the layers, for people.
        ngrams: of the second input, if there is one.
    """

    by_precision: dict[str, onnx.ModelProto]
    layers: tuple[LayerSpec, ...]
    ngrams: Ngrams | None = None


@dataclass(frozen=True)
class Trained:
    """Hold a trained network.

    Attributes:
        graphs: for its bundle.
        predict: Keras's probabilities, float32[n], of reviews as lists of token ids, object[n].
        history: of its training.
        held_out: metrics on training reviews that were held out, if the recipe holds any out.
    """

    graphs: Graphs
    predict: Callable[[NDArray[np.object_]], NDArray[np.float32]]
    history: History
    held_out: dict[str, Any] | None = None
