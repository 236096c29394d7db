"""vLLM's `POST /classify`; requests of infinity, which has the same path, are answered in its form.

Source: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#classification-api
"""

import time
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from service.api.dialects import infinity
from service.api.dialects.infinity import InfinityResponse
from service.api.dialects.inputs import EXAMPLE, ClassifyRequest, OpenAIError, classify_inputs
from service.api.openapi import Operation, documented, json_body
from service.api.request import STICKY_PARAMETER
from service.api.responses import json_response


class Classification(BaseModel):
    """The answer to one text."""

    index: int
    label: str
    probs: list[float] = Field(description="Of the labels, in the order of the model's manifest.")
    num_classes: int


class Usage(BaseModel):
    """The number of words, or of characters, in place of tokens."""

    prompt_tokens: int
    total_tokens: int
    completion_tokens: Literal[0]


class ClassifyResponse(BaseModel):
    """The answers, in order."""

    id: str
    object: Literal["list"]
    created: int
    model: str
    data: list[Classification]
    usage: Usage


@documented(
    "Sentiment of input",
    "vLLM",
    answer=ClassifyResponse | InfinityResponse,
    error=OpenAIError,
    parameters=[STICKY_PARAMETER],
    body=json_body(ClassifyRequest.model_json_schema(), {"texts": {"summary": "Two reviews", "value": EXAMPLE}}),
)
async def classify_input(request: Request) -> Response:
    """A label and the probabilities of all labels for each text; with `raw_scores` infinity's form of the answer."""
    body, choice, predictions = await classify_inputs(request)
    if body.raw_scores is not None:
        return infinity.answer(body, choice, predictions)
    words = sum(prediction.words for prediction in predictions)
    return json_response(
        {
            "id": f"classify-{uuid4().hex}",
            "object": "list",
            "created": int(time.time()),
            "model": body.name or choice.default.name.name,
            "data": [
                {
                    "index": index,
                    "label": prediction.label,
                    "probs": [1 - prediction.probability, prediction.probability],
                    "num_classes": 2,
                }
                for index, prediction in enumerate(predictions)
            ],
            "usage": {"prompt_tokens": words, "total_tokens": words, "completion_tokens": 0},
        }
    )


OPERATIONS = (Operation("POST", "/classify", classify_input),)
