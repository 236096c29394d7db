"""The paths of the protocol: `/v2/models/{name}` with or without `/versions/{version}`, and the model of a path."""

from typing import Any

from starlette.requests import Request

from service.api.openapi import Documented, Endpoint, Operation, documented
from service.api.request import path_version
from service.api.state import state_of
from service.api.v2.answers import V2Error
from service.inference.predictor import Predictor
from service.versions import VERSION_PATTERN

TAG = "Open Inference Protocol"


def _path_parameter(name: str, example: str, **schema: str) -> dict[str, Any]:
    schema = {"type": "string", **schema}
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": example}


NAME = _path_parameter("name", "imdb-conv1d")
VERSION = _path_parameter("version", "1", pattern=VERSION_PATTERN)


def documented_v2(summary: str, **documentation: Any) -> Documented:
    """Decorate as `documented` does, with errors in the protocol's shape."""
    return documented(summary, TAG, error=V2Error, **documentation)


def of_a_model(method: str, path: str, endpoint: Endpoint) -> list[Operation]:
    """Make the operations of both paths to a model that end in `path`, with version and without."""
    return [
        Operation(method, f"/v2/models/{{name}}{path}", endpoint, [NAME]),
        Operation(method, f"/v2/models/{{name}}/versions/{{version}}{path}", endpoint, [NAME, VERSION]),
    ]


def predictor_of(request: Request) -> Predictor:
    """Find the model that the path names; without a version the one that most requests get.

    Raises:
        ModelNotFoundError: there is no such model or version.
        InvalidRequestError: the version is neither a number nor a label.
    """
    return state_of(request).registry.get(request.path_params["name"], path_version(request))


def predictors_of(request: Request) -> list[Predictor]:
    """Find the version that the path names; without one all versions of the model.

    Raises:
        ModelNotFoundError: there is no such model or version.
        InvalidRequestError: the version is neither a number nor a label.
    """
    if "version" in request.path_params:
        return [predictor_of(request)]
    return state_of(request).registry.versions(request.path_params["name"])
