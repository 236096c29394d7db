"""`POST /predict`: one text or many."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from service.api.body import check_json_media_type, parse, read_body
from service.api.schemas import ManyResponse, PredictRequest, SingleResponse
from service.errors import InvalidRequestError, TooManyTextsError
from service.inference.predictor import Prediction, Predictor, check_text
from service.state import State, state_of

router = APIRouter(tags=["predict"])

_to_json = TypeAdapter(dict[str, Any]).dump_json

_OPENAPI = {
    "parameters": [
        {
            "name": "model",
            "in": "query",
            "description": "Model; without it the default.",
            "schema": {"type": "string", "minLength": 1},
        },
        {
            "name": "version",
            "in": "query",
            "description": "Model version; without it the default.",
            "schema": {"type": "integer", "minimum": 1},
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": PredictRequest.model_json_schema(),
                "examples": {
                    "one": {"summary": "One review", "value": {"text": "I loved every minute of it."}},
                    "many": {
                        "summary": "Several reviews",
                        "value": {"texts": ["A waste of two hours.", "The best film of the year."]},
                    },
                },
            }
        },
    },
}


@router.post(
    "/predict",
    summary="Sentiment of one text or many",
    response_model=SingleResponse | ManyResponse,
    openapi_extra=_OPENAPI,
)
async def predict(request: Request) -> Response:
    """With `text` one prediction, with `texts` a list of them in the same order; and which model gave them."""
    state = state_of(request)
    check_json_media_type(request)
    wanted = parse(await read_body(request, state.settings), PredictRequest)
    predictor = asked_predictor(request)
    if "text" in wanted.model_fields_set:
        check_text(wanted.text, state.settings.max_text_chars, "/text")
        request.scope["texts"] = 1
        [prediction] = await state.scheduler.predict(predictor, [wanted.text])
        answer = {**prediction_fields(prediction), "model": model_ref(predictor)}
    else:
        _check_texts(wanted.texts, state)
        request.scope["texts"] = len(wanted.texts)
        predictions = await state.scheduler.predict(predictor, wanted.texts)
        answer = {"predictions": [prediction_fields(p) for p in predictions], "model": model_ref(predictor)}
    return Response(_to_json(answer), media_type="application/json")


def asked_predictor(request: Request) -> Predictor:
    """The model and version that the query names, or the default.

    Raises:
        InvalidRequestError, ModelNotFoundError: there is no such thing.
    """
    return state_of(request).registry.get(request.query_params.get("model"), _version(request))


def prediction_fields(prediction: Prediction) -> dict[str, Any]:
    """A prediction as the fields of `PredictionBody`."""
    return {
        "label": prediction.label,
        "probability": prediction.probability,
        "words": prediction.words,
        "known_words": prediction.known_words,
        "truncated": prediction.truncated,
    }


def model_ref(predictor: Predictor) -> dict[str, Any]:
    """A predictor as the fields of `ModelRef`."""
    return {"name": predictor.manifest.name, "version": predictor.manifest.version}


def _version(request: Request) -> int | None:
    if not request.scope["query_string"]:
        return None
    value = request.query_params.get("version")
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) < 10 and int(value)):
        raise InvalidRequestError(f"version is {value!r}; it should be a number from 1 on.")
    return int(value)


def _check_texts(texts: Sequence[str], state: State) -> None:
    if len(texts) > state.settings.max_texts:
        raise TooManyTextsError(
            f"There are {len(texts):,} texts; one request may have {state.settings.max_texts:,}.", "/texts"
        )
    for position, text in enumerate(texts):
        check_text(text, state.settings.max_text_chars, f"/texts/{position}")
