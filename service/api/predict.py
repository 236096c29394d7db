"""`POST /predict`: one text or many."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from service.api.asking import MODEL_PARAMETERS, asked_choice, model_ref
from service.api.body import check_json_media_type, parse, read_body
from service.api.schemas import ManyResponse, PredictRequest, SingleResponse
from service.choice import Choice
from service.errors import TooManyTextsError
from service.inference.predictor import Prediction, check_text
from service.state import State, state_of

router = APIRouter(tags=["predict"])

_to_json = TypeAdapter(dict[str, Any]).dump_json

_OPENAPI = {
    "parameters": MODEL_PARAMETERS,
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
    """With `text` one prediction, with `texts` a list of them in the same order; and which model gave them.

    If the model is `auto`, because the request or the service's settings say so, each text is answered by the model
    that reads its script, and each of `texts` has the `model` that answered it; that of the whole answer is null if
    there were several.
    """
    state = state_of(request)
    check_json_media_type(request)
    wanted = parse(await read_body(request, state.settings), PredictRequest)
    choice = asked_choice(request, wanted)
    if "text" in wanted.model_fields_set:
        check_text(wanted.text, state.settings.max_text_chars, "/text")
        request.scope["texts"] = 1
        predictor = choice.of(wanted.text)
        [prediction] = await state.scheduler.predict(predictor, [wanted.text])
        answer = {**prediction.fields(), "model": model_ref(predictor)}
    else:
        _check_texts(wanted.texts, state)
        request.scope["texts"] = len(wanted.texts)
        answer = _many(choice, await choice.scheduled(state.scheduler, wanted.texts))
    return Response(_to_json(answer), media_type="application/json")


def _many(choice: Choice, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """The fields of `ManyResponse`."""
    if not choice.auto:
        return {"predictions": [p.fields() for p in predictions], "model": model_ref(choice.default)}
    models = [prediction.model and prediction.model.fields() for prediction in predictions]
    fields = [{**p.fields(), "model": model} for p, model in zip(predictions, models, strict=True)]
    return {"predictions": fields, "model": models[0] if all(model == models[0] for model in models) else None}


def _check_texts(texts: Sequence[str], state: State) -> None:
    if len(texts) > state.settings.max_texts:
        raise TooManyTextsError(
            f"There are {len(texts):,} texts; one request may have {state.settings.max_texts:,}.", "/texts"
        )
    for position, text in enumerate(texts):
        check_text(text, state.settings.max_text_chars, f"/texts/{position}")
