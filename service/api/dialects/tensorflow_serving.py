"""TensorFlow Serving's REST interface, which is KServe's protocol V1: `/v1/models/{name}:predict`.

Source: https://www.tensorflow.org/tfx/serving/api_rest and https://kserve.github.io (data plane, V1 protocol).
"""

import base64
import binascii
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from service.api.dialects.classification import classify, read_object
from service.api.openapi import Documented, Endpoint, Operation, documented, json_body
from service.api.request import STICKY_PARAMETER, choose_model, path_version
from service.api.responses import json_response
from service.api.state import state_of
from service.errors import InvalidRequestError, ShuttingDownError
from service.versions import VERSION_PATTERN

TAG = "TensorFlow Serving / KServe V1"


class Base64(BaseModel):
    """Bytes of a text in UTF-8, in base64."""

    model_config = ConfigDict(extra="forbid")
    b64: str


class Instance(BaseModel):
    """A text by the name of the input."""

    model_config = ConfigDict(extra="forbid")
    text: str | Base64


class V1Request(BaseModel):
    """A request to predict, in row format; `signature_name` and other members are passed over."""

    instances: list[str | Base64 | Instance] = Field(min_length=1)


class V1Prediction(BaseModel):
    """The outputs for one instance."""

    label: str
    probability: float
    words: int
    known_words: int
    truncated: bool


class V1Response(BaseModel):
    """The answers to `instances`, in order."""

    predictions: list[V1Prediction]


class V1Error(BaseModel):
    """An error."""

    error: str


_EXAMPLE = {"instances": ["A waste of two hours.", {"text": "The best film of the year."}]}


def _documented(summary: str, **documentation: Any) -> Documented:
    return documented(summary, TAG, error=V1Error, **documentation)


@_documented(
    "Sentiment of instances",
    answer=V1Response,
    parameters=[STICKY_PARAMETER],
    body=json_body(V1Request.model_json_schema(), {"texts": {"summary": "Two reviews", "value": _EXAMPLE}}),
)
async def predict(request: Request) -> Response:
    """An instance is a text, `{"text": …}`, or either with `{"b64": …}` in place of the string."""
    choice = choose_model(request, request.path_params["name"], path_version(request))
    body = await read_object(request, V1Request, 'Send a request such as {"instances": ["A text."]}.')
    texts = [_text_of(instance, position) for position, instance in enumerate(body.instances)]
    predictions = await classify(request, choice, texts, _locate)
    return json_response({"predictions": [prediction.fields() for prediction in predictions]})


@_documented("Names of the models")
async def models(request: Request) -> Response:
    """The list of names that KServe's protocol V1 defines."""
    return JSONResponse({"models": list(dict.fromkeys(p.name.name for p in state_of(request).registry))})


@_documented("State of a model")
async def status(request: Request) -> Response:
    """Both protocols in one: `model_version_status` of TensorFlow Serving, `name` and `ready` of KServe."""
    state = state_of(request)
    name = request.path_params["name"]
    if request.url.path.endswith(":predict"):  # the path of another method
        raise HTTPException(405, headers={"Allow": "POST"})
    version = path_version(request)
    found = [state.registry.get(name, version)] if version else state.registry.versions(name)
    if state.lifecycle.draining:
        raise ShuttingDownError("The service is shutting down; what it has accepted is still answered.")
    versions = [
        {
            "version": str(predictor.name.version),
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
        for predictor in found
    ]
    return JSONResponse({"name": name, "ready": True, "model_version_status": versions})


def _path_parameter(name: str, example: str, **schema: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", **schema},
        "example": example,
    }


_NAME = _path_parameter("name", "imdb-conv1d")
_VERSION = _path_parameter("version", "1", pattern=VERSION_PATTERN)
_LABEL = _path_parameter("label", "1", pattern=VERSION_PATTERN)


def _of_a_model(method: str, verb: str, endpoint: Endpoint) -> list[Operation]:
    return [
        Operation(method, f"/v1/models/{{name}}{verb}", endpoint, [_NAME]),
        Operation(method, f"/v1/models/{{name}}/versions/{{version}}{verb}", endpoint, [_NAME, _VERSION]),
        Operation(method, f"/v1/models/{{name}}/labels/{{label}}{verb}", endpoint, [_NAME, _LABEL]),
    ]


OPERATIONS = (
    Operation("GET", "/v1/models", models),
    *_of_a_model("POST", ":predict", predict),
    *_of_a_model("GET", "", status),
)


def _text_of(instance: str | Base64 | Instance, position: int) -> str:
    value = instance.text if isinstance(instance, Instance) else instance
    if isinstance(value, str):
        return value
    try:
        return base64.b64decode(value.b64, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError(f"{_locate(position)}: b64 should be UTF-8 in base64: {error}.") from error


def _locate(position: int | None) -> str | None:
    return None if position is None else f"instances[{position}]"
