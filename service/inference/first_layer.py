"""The first layer's filters: which run of a text's ids each of them answers to most."""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.bundle import Bundle, LayerSpec
from service.inference.inputs import Batch
from service.inference.session import Session

PRECISION = "reference"
"""The graph that gives activations."""


@dataclass(frozen=True, slots=True)
class Match:
    """A filter of the first layer, and the run of positions that it answers to most.

    Attributes:
        layer: its layer's name.
        number: the filter's, from 0.
        position: of the first id of the run in the padded sequence.
        width: how many ids it sees.
        activation: its answer to them.
    """

    layer: str
    number: int
    position: int
    width: int
    activation: float


class FirstLayer:
    """The activations of the layers that see token ids, by the graph that gives them, which is loaded when first used.

    Args:
        bundle: a verified bundle.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._lock = Lock()
        self._session: Session | None = None
        self._layers = [layer for layer in bundle.manifest.layers if layer.activations and layer.kernel_size]

    def strongest(self, token_ids: NDArray[np.int32], count: int) -> list[Match]:
        """The filters that answer most strongly to a text, the strongest first, each at the run that excites it most.

        Runs of nothing but padding do not count. Several threads may call this; one at a time computes.

        Args:
            token_ids: of the text, int32[ids]; more than `maxlen` are cut.
            count: how many are wanted; fewer come if fewer answer at all.

        Raises:
            BundleError: the graph cannot be loaded.
        """
        if not self._layers:
            return []
        with self._lock:
            self._session = self._session or Session(self._bundle, PRECISION)
            [batch] = self._session.batches([token_ids])
            outputs = self._session.outputs(batch, [layer.activations or "" for layer in self._layers])
        matches = [
            match
            for layer, output in zip(self._layers, outputs, strict=True)
            for match in _matches(layer, batch, output[0], self._bundle.manifest.tokenizer.pad_id)
        ]
        return sorted(matches, key=lambda match: -match.activation)[:count]


def _matches(layer: LayerSpec, batch: Batch, activations: NDArray[np.float32], pad_id: int) -> Iterator[Match]:
    """Of each filter that answers to the text its strongest answer.

    Args:
        layer: of the filters.
        batch: the text alone.
        activations: float32[positions, filters]; the one at position i sees the ids from i on, and padding behind them.
        pad_id: of padding.
    """
    width = layer.kernel_size or 1
    padded = np.pad(batch.token_ids[0], (0, width), constant_values=pad_id)  # a text may be shorter than a run
    runs = np.lib.stride_tricks.sliding_window_view(padded, width)[: len(activations)]
    of_text: NDArray[np.bool_] = np.any(runs != pad_id, axis=1)
    if not of_text.any():
        return
    answers = np.where(of_text[:, None], activations[: len(of_text)], -np.inf)
    for number, position in enumerate(answers.argmax(axis=0).tolist()):
        activation = float(answers[position, number])
        if activation > 0:
            yield Match(layer.name, number, position, width, activation)


def first_layer(bundle: Bundle) -> FirstLayer | None:
    """The first layer of a bundle that describes its layers; None for one that does not.

    Raises:
        BundleError: it has no graph that could give the activations that it speaks of.
    """
    layers = bundle.manifest.layers
    if any(layer.activations for layer in layers) and PRECISION not in bundle.manifest.graphs:
        raise BundleError(f"{bundle.path}: its layers have activations, but it has no {PRECISION} graph to give them.")
    return FirstLayer(bundle) if layers else None
