"""What fitting a network gives, whatever its kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.export import Graphs

History = dict[str, list[float]]
"""Values of each epoch by name: accuracy, loss, and others."""


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes:
        graphs: for its bundle.
        predict: Keras's probabilities, float32[n], of reviews as lists of token ids, object[n].
        history: of its training.
        held_out: metrics on training reviews that were held out, if the recipe holds any.
    """

    graphs: Graphs
    predict: Callable[[NDArray[np.object_]], NDArray[np.float32]]
    history: History
    held_out: dict[str, Any] | None = None
