"""One filter of the first layer along a text: its activation at each place, and the numbers that it comes from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidRequestError
from service.inference.manifest import LayerSpec
from service.inference.predictor import Predictor

MAX_PLACES = 48
"""Places that are traced; each has a vector of 64 or more numbers."""


@dataclass(frozen=True, slots=True)
class FilterTrace:
    """A filter of the first layer along the beginning of a text.

    Attributes:
        layer: name of its layer.
        number: of the filter, from 0.
        width: ids that the filter sees.
        first: position of the first place in the padded sequence.
        activations: float32[places].
        weights: float32[width, dimensions]; None if the bundle does not give them, as for the next two.
        bias: of the filter.
        vectors: of the ids at the places and of those that the last place sees behind it,
            float32[places + width - 1, dimensions].
    """

    layer: str
    number: int
    width: int
    first: int
    activations: NDArray[np.float32]
    weights: NDArray[np.float32] | None = None
    bias: float | None = None
    vectors: NDArray[np.float32] | None = None


def trace_filter(predictor: Predictor, text: str, layer_name: str, number: int) -> FilterTrace:
    """Trace a filter along a text.

    Args:
        predictor: of the model, whose reference graph gives the numbers.
        text: that has passed `check_text`.
        layer_name: of a layer with activations.
        number: of the filter, from 0.

    Raises:
        InvalidRequestError: the model has no such filter.
        BundleError: the reference graph cannot be loaded.
    """
    layer = _layer(predictor, layer_name, number)
    spec = predictor.manifest.input
    token_ids = predictor.encode([text])[0].token_ids
    session = predictor.reference()
    [run] = session.runs([token_ids])
    start, after = spec.window(len(token_ids))
    used = after - start
    first = 0 if spec.padding == "post" else run.token_ids.shape[1] - used
    activations = session.outputs(run, [layer.activations or ""])[0][0, first : first + min(used, MAX_PLACES), number]
    width = layer.kernel_size or 1
    trace = FilterTrace(layer.name, number, width, first, activations)
    if layer.filters is None:
        return trace
    names = [layer.filters.kernel, layer.filters.bias, layer.filters.vectors]
    kernel, bias, vectors = session.outputs(run, names)
    seen = vectors[0, first : first + len(activations) + width - 1]
    weights = kernel[number, :, 0, :].T
    return FilterTrace(layer.name, number, width, first, activations, weights, float(bias.ravel()[number]), seen)


def _layer(predictor: Predictor, name: str, number: int) -> LayerSpec:
    """Find the layer of a filter.

    Raises:
        InvalidRequestError: the model has no such filter.
    """
    layers = {layer.name: layer for layer in predictor.manifest.layers if layer.activations and layer.kernel_size}
    layer = layers.get(name)
    if layer is None or number >= layer.output_shape[-1]:
        there = ", ".join(f"{each.name} (0 to {each.output_shape[-1] - 1})" for each in layers.values())
        raise InvalidRequestError(f"The model has no filter {number} of {name}; it has {there or 'none'}.", "/filter")
    return layer
