"""Hugging Face's text classification, the interface of its Inference Endpoints: `POST /` with `inputs`.

Source: https://huggingface.co/docs/inference-providers/tasks/text-classification
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from service.api.dialects.classification import classify, read_object
from service.api.openapi import Operation, documented, json_body
from service.api.request import MODEL_PARAMETERS, select_model
from service.inference.predictor import Prediction
from service.models.model_choice import Choice


class Parameters(BaseModel):
    """The selection and computation of the scores."""

    model_config = ConfigDict(extra="forbid")
    top_k: int | None = Field(
        default=None, ge=1, strict=True, description="Labels of each answer, the most probable first."
    )
    function_to_apply: Literal["sigmoid", "softmax"] | None = Field(
        default=None, description="Both give what the model gives: two labels, one logit."
    )


class HuggingFaceRequest(BaseModel):
    """One text or several."""

    inputs: str | list[str] = Field(description="A text, or several.")
    parameters: Parameters | None = None


class LabelScore(BaseModel):
    """A label and its probability."""

    label: str
    score: float


class HuggingFaceError(BaseModel):
    """An error."""

    error: str


_to_json = TypeAdapter(list[list[dict[str, Any]]]).dump_json
_EXAMPLE = {"inputs": "I loved every minute of it.", "parameters": {"top_k": 1}}


@documented(
    "Sentiment of inputs",
    "Hugging Face",
    answer=list[list[LabelScore]],
    error=HuggingFaceError,
    parameters=MODEL_PARAMETERS,
    body=json_body(HuggingFaceRequest.model_json_schema(), {"one": {"summary": "A review", "value": _EXAMPLE}}),
)
async def text_classification(request: Request) -> Response:
    """For each text a list of its labels with their scores, the most probable first."""
    body = await read_object(request, HuggingFaceRequest, 'Send a request such as {"inputs": "A text."}.')
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    choice = select_model(request)
    predictions = await classify(request, choice, texts, _locate)
    top_k = body.parameters.top_k if body.parameters else None
    answer = [label_scores(choice, text, p)[:top_k] for text, p in zip(texts, predictions, strict=True)]
    return Response(_to_json(answer), media_type="application/json")


OPERATIONS = (Operation("POST", "/", text_classification),)


def label_scores(choice: Choice, text: str, prediction: Prediction) -> list[dict[str, Any]]:
    """Return both labels with their probabilities, the more probable first."""
    negative, positive = choice.of(text).manifest.labels
    scores = [
        {"label": positive, "score": prediction.probability},
        {"label": negative, "score": 1 - prediction.probability},
    ]
    return sorted(scores, key=lambda score: -float(score["score"]))


def _locate(position: int | None) -> str | None:
    return None if position is None else f"inputs[{position}]"
