"""The filters of the first layer: the run of a text's ids that activates each of them most."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.inference.inputs import Run
from service.inference.manifest import LayerSpec
from service.inference.predictor import Predictor


@dataclass(frozen=True, slots=True)
class Match:
    """A filter of the first layer, and the run of positions that activates it most.

    Attributes:
        layer: name of its layer.
        number: of the filter, from 0.
        position: of the first id of the run in the padded sequence.
        width: ids that the filter sees.
        activation: of the filter at that run.
    """

    layer: str
    number: int
    position: int
    width: int
    activation: float


def strongest_filters(predictor: Predictor, token_ids: NDArray[np.int32], count: int) -> list[Match]:
    """Find the filters with the strongest activations for a text, the strongest first, each at its best run.

    Runs of padding alone do not count.

    Args:
        predictor: of the model, whose reference graph gives the activations.
        token_ids: of the text, int32[ids]; truncated as for a prediction.
        count: filters wanted; fewer are returned if fewer have an activation above 0.

    Raises:
        BundleError: the reference graph cannot be loaded.
    """
    layers = [layer for layer in predictor.manifest.layers if layer.activations and layer.kernel_size]
    if not layers:
        return []
    session = predictor.reference()
    [run] = session.runs([token_ids])
    outputs = session.outputs(run, [layer.activations or "" for layer in layers])
    matches = [
        match
        for layer, output in zip(layers, outputs, strict=True)
        for match in _matches(layer, run, output[0], predictor.manifest.tokenizer.pad_id)
    ]
    return sorted(matches, key=lambda match: -match.activation)[:count]


def _matches(layer: LayerSpec, run: Run, activations: NDArray[np.float32], pad_id: int) -> Iterator[Match]:
    """Yield the strongest match of each filter that the text activates.

    Args:
        layer: of the filters.
        run: the text alone.
        activations: float32[positions, filters]; the one at position i sees the ids from i on, and padding behind them.
        pad_id: of padding.
    """
    width = layer.kernel_size or 1
    padded = np.pad(run.token_ids[0], (0, width), constant_values=pad_id)  # a text may be shorter than a run
    runs = np.lib.stride_tricks.sliding_window_view(padded, width)[: len(activations)]
    of_text: NDArray[np.bool_] = np.any(runs != pad_id, axis=1)
    if not of_text.any():
        return
    answers = np.where(of_text[:, None], activations[: len(of_text)], -np.inf)
    for number, position in enumerate(answers.argmax(axis=0).tolist()):
        activation = float(answers[position, number])
        if activation > 0:
            yield Match(layer.name, number, position, width, activation)
