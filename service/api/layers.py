"""`POST /layers`: a text's way through the network, for people to look at."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from service.api.asking import MODEL_PARAMETERS, ask, model_ref
from service.api.schemas import LayersRequest, LayersResponse
from service.inference.layers import Inside, Token, look_inside
from service.inference.predictor import Predictor
from service.state import state_of

router = APIRouter(tags=["explain"])

_to_json = TypeAdapter(dict[str, Any]).dump_json

_OPENAPI = {
    "parameters": MODEL_PARAMETERS,
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": LayersRequest.model_json_schema(),
                "examples": {"one": {"summary": "One review", "value": {"text": "I loved every minute of it."}}},
            }
        },
    },
}


@router.post(
    "/layers",
    summary="The way of a text through the network",
    response_model=LayersResponse,
    openapi_extra=_OPENAPI,
)
async def layers(request: Request) -> Response:
    """The ids of the words, their places in the padded sequence, the layers with what each gives, and the filters of
    the first layer that answer most strongly, each with the words that excite it most.

    Activations are of the reference graph, in float32; the prediction is the one that `/predict` gives. A model whose
    bundle does not describe its layers is a problem; `/models` says which do.
    """
    asked, state = await ask(request, LayersRequest), state_of(request)
    text, predictor = asked.wanted.text, asked.predictor
    async with state.looking_inside:
        inside = await asyncio.to_thread(look_inside, predictor, text, state.settings.max_explained_words)
    answer = {
        "prediction": asked.prediction.fields(),
        **_fields(text, predictor, inside),
        "model": model_ref(predictor),
    }
    return Response(_to_json(answer), media_type="application/json")


def _fields(text: str, predictor: Predictor, inside: Inside) -> dict[str, Any]:
    """The fields of `LayersResponse` that tell of the inside."""
    spec = predictor.manifest.input
    words = {token.position: _word(text, token) for token in inside.tokens}
    return {
        "tokens": [
            {"word": _word(text, token), "id": token.token_id, "known": token.known, "position": token.position}
            for token in inside.tokens
        ],
        "sequence": {"length": spec.maxlen, "used": inside.used, "padding": spec.padding, "cut": inside.cut},
        "layers": [layer.model_dump(exclude={"activations"}) for layer in predictor.manifest.layers],
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
