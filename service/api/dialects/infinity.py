"""infinity's `POST /classify`: vLLM's request with the member `raw_scores`, or at a path of its own.

Source: https://michaelfeil.eu/infinity (its OpenAPI document), version 0.0.77.
"""

import time
from collections.abc import Sequence
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from service.api.dialects.hugging_face import LabelScore, label_scores
from service.api.dialects.inputs import EXAMPLE, ClassifyRequest, OpenAIError, classify_inputs
from service.api.openapi import Operation, documented, json_body
from service.api.request import STICKY_PARAMETER
from service.api.responses import json_response
from service.inference.predictor import Prediction
from service.models.model_choice import Choice


class InfinityUsage(BaseModel):
    """The number of words, or of characters, in place of tokens."""

    prompt_tokens: int
    total_tokens: int


class InfinityResponse(BaseModel):
    """For each text its labels, the most probable first."""

    object: Literal["classify"]
    data: list[list[LabelScore]]
    model: str
    usage: InfinityUsage
    id: str
    created: int


@documented(
    "Sentiment of input",
    "infinity",
    answer=InfinityResponse,
    error=OpenAIError,
    parameters=[STICKY_PARAMETER],
    body=json_body(ClassifyRequest.model_json_schema(), {"texts": {"summary": "Two reviews", "value": EXAMPLE}}),
)
async def classify(request: Request) -> Response:
    """Labels with their scores for each text; clients of infinity get here with `/infinity` after the host's name."""
    return answer(*await classify_inputs(request))


OPERATIONS = (Operation("POST", "/infinity/classify", classify),)


def answer(body: ClassifyRequest, choice: Choice, predictions: Sequence[Prediction]) -> Response:
    """Write the answer."""
    words = sum(prediction.words for prediction in predictions)
    return json_response(
        {
            "object": "classify",
            "data": [label_scores(choice, text, each) for text, each in zip(body.texts(), predictions, strict=True)],
            "model": body.name or choice.default.name.name,
            "usage": {"prompt_tokens": words, "total_tokens": words},
            "id": f"infinity-{uuid4()}",
            "created": int(time.time()),
        }
    )
