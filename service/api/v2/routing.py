"""How the protocol's routes are made, and which model a path names: with or without `/versions/{version}`."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request

from service.api.v2.answers import V2Error
from service.errors import InvalidRequestError
from service.inference.predictor import Predictor
from service.state import state_of

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_VERSION_PATTERN = "[1-9][0-9]{0,8}"


def _path_parameter(name: str, example: str, **schema: str) -> dict[str, Any]:
    schema = {"type": "string", **schema}
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": example}


NAME = _path_parameter("name", "imdb-conv1d")
VERSION = _path_parameter("version", "1", pattern=f"^{_VERSION_PATTERN}$")


def v2_router() -> APIRouter:
    """A router whose errors are documented in the protocol's shape."""
    responses: dict[int | str, dict[str, Any]] = {"default": {"model": V2Error, "description": "An error"}}
    return APIRouter(tags=["Open Inference Protocol"], responses=responses)


def of_a_model(
    router: APIRouter, path: str, openapi: dict[str, Any] | None = None, **route: Any
) -> Callable[[Endpoint], Endpoint]:
    """Decorates the endpoint of both paths to a model that end in `path`, with version and without."""
    described = openapi or {}

    def add(endpoint: Endpoint) -> Endpoint:
        for version, parameters in (("", [NAME]), ("/versions/{version}", [NAME, VERSION])):
            extra = {**described, "parameters": [*parameters, *described.get("parameters", ())]}
            router.add_api_route(f"/v2/models/{{name}}{version}{path}", endpoint, openapi_extra=extra, **route)
        return endpoint

    return add


def predictor_of(request: Request) -> Predictor:
    """The model that the path names; without a version its default one.

    Raises:
        ModelNotFoundError: there is no such model or version.
        InvalidRequestError: the version is no number.
    """
    version = request.path_params.get("version")
    if version is not None:
        if not re.fullmatch(_VERSION_PATTERN, version):
            raise InvalidRequestError(f"The version is {version!r}; it should be a number from 1 on.")
        version = int(version)
    return state_of(request).registry.get(request.path_params["name"], version)


def predictors_of(request: Request) -> list[Predictor]:
    """The version that the path names; without one all of the model's.

    Raises:
        ModelNotFoundError: there is no such model or version.
        InvalidRequestError: the version is no number.
    """
    if "version" in request.path_params:
        return [predictor_of(request)]
    return state_of(request).registry.versions(request.path_params["name"])
