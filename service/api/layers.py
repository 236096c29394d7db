"""`POST /layers`: the way of a text through the network, for the page."""

import asyncio
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from service.api.inspection import inspected
from service.api.openapi import documented, json_body
from service.api.request import MODEL_PARAMETERS
from service.api.responses import json_response, model_ref
from service.api.schemas import FilterRef, FilterTraceBody, LayersRequest, LayersResponse
from service.api.state import state_of
from service.explain.filter_trace import trace_filter
from service.explain.inside import Inside, Token, look_inside
from service.inference.predictor import Predictor

_EXAMPLES = {"one": {"summary": "One review", "value": {"text": "I loved every minute of it."}}}


@documented(
    "The way of a text through the network",
    "explain",
    answer=LayersResponse,
    parameters=MODEL_PARAMETERS,
    body=json_body(LayersRequest.model_json_schema(), _EXAMPLES),
)
async def layers(request: Request) -> Response:
    """The ids of the words, their places in the padded sequence, the layers with what each gives, and the filters of
    the first layer that answer most strongly, each with the words that excite it most.

    Activations are of the reference graph, in float32; the prediction is the one that `/predict` gives. A model whose
    bundle does not describe its layers is a problem; `/models` says which do.
    """
    limit = state_of(request).settings.max_explained_words
    async with inspected(request, LayersRequest) as one:
        text, predictor = one.body.text, one.predictor
        inside = await asyncio.to_thread(look_inside, predictor, text, limit)
        fields = {**_fields(text, predictor, inside), **await _traced(predictor, text, one.body.filter)}
        return json_response({"prediction": one.prediction.fields(), **fields, "model": model_ref(predictor)})


async def _traced(predictor: Predictor, text: str, ref: FilterRef | None) -> dict[str, Any]:
    """Make the field with the trace of the filter that a request names; no field without one."""
    if ref is None:
        return {}
    trace = await asyncio.to_thread(trace_filter, predictor, text, ref.layer, ref.number)
    fields = {name: getattr(trace, name) for name in FilterTraceBody.model_fields}
    return {
        "filter": {name: _rounded(value) if isinstance(value, np.ndarray) else value for name, value in fields.items()}
    }


def _rounded(numbers: NDArray[np.float32]) -> list[Any]:
    """Round for display: all digits of float32 would take three times the space."""
    rounded: list[Any] = numbers.astype(np.float64).round(5).tolist()
    return rounded


def _fields(text: str, predictor: Predictor, inside: Inside) -> dict[str, Any]:
    """Make the fields of `LayersResponse` that show the inside."""
    spec = predictor.manifest.input
    words = {token.position: _word(text, token) for token in inside.tokens}
    return {
        "tokens": [
            {"word": _word(text, token), "id": token.token_id, "known": token.known, "position": token.position}
            for token in inside.tokens
        ],
        "sequence": {"length": spec.maxlen, "used": inside.used, "padding": spec.padding, "cut": inside.cut},
        "layers": [layer.model_dump(exclude={"activations", "filters"}) for layer in predictor.manifest.layers],
        "filters": [
            {
                "layer": match.layer,
                "filter": match.number,
                "position": match.position,
                "words": [words.get(match.position + place) for place in range(match.width)],
                "activation": match.activation,
            }
            for match in inside.filters
        ],
    }


def _word(text: str, token: Token) -> str | None:
    return None if token.start is None else text[token.start : token.end]
