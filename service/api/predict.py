"""`POST /predict`: one text or many."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from service.api.answering import classify_texts
from service.api.dialects import tei
from service.api.dialects.tei import TeiAnswer, TeiError, TeiRequest
from service.api.openapi import documented, inline_references, json_body
from service.api.request import (
    EXAMPLE,
    MODEL_PARAMETERS,
    check_json_media_type,
    parse_json,
    read_content,
    select_model,
)
from service.api.responses import json_response, model_ref
from service.api.schemas import ManyResponse, PredictRequest, SingleResponse
from service.api.state import state_of
from service.errors import InvalidRequestError
from service.inference.predictor import Prediction
from service.models.model_choice import Choice

_EXAMPLES = {
    "one": {"summary": "One review", "value": {"text": "I loved every minute of it."}},
    "many": {
        "summary": "Several reviews",
        "value": {"texts": ["A waste of two hours.", "The best film of the year."]},
    },
    "tei": {"summary": "Text Embeddings Inference", "value": tei.EXAMPLE},
}
_SCHEMA = {"anyOf": [inline_references(body.model_json_schema()) for body in (PredictRequest, TeiRequest)]}


@documented(
    "Sentiment of one text or many",
    "predict",
    answer=SingleResponse | ManyResponse | TeiAnswer,
    parameters=MODEL_PARAMETERS,
    body=json_body(_SCHEMA, _EXAMPLES),
    responses={"default": {"content": {"application/json": {"schema": TeiError.model_json_schema()}}}},
)
async def predict(request: Request) -> Response:
    """With `text` one prediction, with `texts` a list of them in the same order; and which model gave them.

    If the model is `auto`, because the request or the service's settings say so, each text is answered by the model
    that reads its script, and each of `texts` has the `model` that answered it; that of the whole answer is null if
    there were several.

    A request with `inputs` is one of Text Embeddings Inference, and answered as that does.
    """
    classifier = state_of(request).classifier
    check_json_media_type(request)
    body = await read_content(request, partial(_parse, request), EXAMPLE)
    if isinstance(body, TeiRequest):
        return await tei.predict(request, body)
    choice = select_model(request, body)
    if "text" in body.model_fields_set:
        classifier.validate_text(body.text)
        [prediction] = await classify_texts(request, choice, [body.text])
        return json_response({**prediction.fields(), "model": model_ref(choice.of(body.text))})
    await classifier.validate(body.texts)
    return json_response(_many(choice, await classify_texts(request, choice, body.texts)))


def _parse(request: Request, content: bytes) -> PredictRequest | TeiRequest:
    max_values = state_of(request).max_json_values
    try:
        return parse_json(content, PredictRequest, max_values)
    except InvalidRequestError:
        other = tei.parse(request, content, max_values)
        if other is None:
            raise
        return other


def _many(choice: Choice, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Make the fields of `ManyResponse`."""
    if not choice.auto:
        return {"predictions": [p.fields() for p in predictions], "model": model_ref(choice.default)}
    models = [prediction.model and prediction.model.fields() for prediction in predictions]
    fields = [{**p.fields(), "model": model} for p, model in zip(predictions, models, strict=True)]
    return {"predictions": fields, "model": models[0] if all(model == models[0] for model in models) else None}
