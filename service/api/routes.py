"""The table of all routes."""

import asyncio
from collections.abc import Mapping
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from service.api import (
    batch,
    drift,
    explain,
    feedback,
    health,
    layers,
    metrics,
    models,
    predict,
    problems,
    rollout,
    shadow,
)
from service.api.dialects import hugging_face, infinity, invocations, tei, tensorflow_serving, vllm
from service.api.health import HEALTH_ROUTES
from service.api.openapi import Operation, Respond, openapi_document
from service.api.page import file_route, page
from service.api.reference import OPENAPI_PATH, reference_routes, with_keys
from service.api.request import check_query
from service.api.v2 import infer, repository, server
from service.api.v2.routing import NAME, of_a_model


def path_parameter(name: str) -> dict[str, Any]:
    """Describe a parameter of a path."""
    return {"name": name, "in": "path", "required": True, "schema": {"title": name.title(), "type": "string"}}


OPERATIONS = (
    Operation("GET", "/", page),
    Operation("POST", "/predict", predict.predict),
    Operation("POST", "/predict/batch", batch.batch),
    Operation("POST", "/explain", explain.explain),
    Operation("POST", "/layers", layers.layers),
    Operation("POST", "/feedback", feedback.feedback),
    Operation("GET", "/health", health.ready),
    Operation("GET", "/health/live", health.live),
    Operation("GET", "/health/ready", health.ready),
    Operation("GET", "/models", models.models),
    Operation("GET", "/models/{name}", models.model, [path_parameter("name")]),
    Operation("GET", "/models/{name}/rollout", rollout.rollout, [path_parameter("name")]),
    Operation("GET", "/models/{name}/drift", drift.drift, [path_parameter("name")]),
    Operation("GET", "/models/{name}/shadow", shadow.shadow, [path_parameter("name")]),
    Operation("GET", "/models/{name}/feedback", feedback.figures, [path_parameter("name")]),
    Operation("GET", "/metrics", metrics.metrics),
    Operation("GET", "/problems", problems.problems),
    Operation("GET", "/problems/{slug}", problems.problem, [path_parameter("slug")]),
    Operation("GET", "/v2", server.server_metadata),
    Operation("GET", "/v2/health/live", server.live),
    Operation("GET", "/v2/health/ready", server.ready),
    Operation("GET", "/v2/models/stats", server.all_statistics),
    *of_a_model("GET", "", server.model_metadata),
    *of_a_model("GET", "/config", server.config),
    *of_a_model("GET", "/ready", server.model_ready),
    *of_a_model("GET", "/stats", server.statistics),
    *of_a_model("POST", "/infer", infer.infer),
    Operation("POST", "/v2/repository/index", repository.index),
    Operation("POST", "/v2/repository/models/{name}/load", repository.load, [NAME]),
    Operation("POST", "/v2/repository/models/{name}/unload", repository.unload, [NAME]),
    *tensorflow_serving.OPERATIONS,
    *hugging_face.OPERATIONS,
    *tei.OPERATIONS,
    *vllm.OPERATIONS,
    *infinity.OPERATIONS,
    *invocations.OPERATIONS,
)
"""Every operation of the HTTP interface. A path without parameters goes before one that would match it too."""


_PROBED = HEALTH_ROUTES | {"/", "/metrics", "/ping"}
"""Paths that are read by monitors and people, whose addresses may have parameters of other programs."""
_OF_OTHERS = ("/v1", "/v2", "/classify", "/infinity")
"""Beginnings of the paths of other servers' interfaces, whose clients may send parameters that mean nothing here."""


def routes(info: Mapping[str, Any], keyed: bool = False) -> list[BaseRoute]:
    """Make the routes of all operations, of the OpenAPI document and of the pages.

    Args:
        info: title, version and description, for the document.
        keyed: whether requests need an API key.
    """

    @cache
    def document() -> dict[str, Any]:
        made = openapi_document(info, OPERATIONS)
        return with_keys(made) if keyed else made

    async def openapi(request: Request) -> Response:
        made = await asyncio.to_thread(document)  # it takes 50 ms, too long for the event loop and for every start
        prefix = request.scope.get("root_path")  # of a proxy
        return JSONResponse({**made, "servers": [{"url": prefix}]} if prefix else made)

    return [
        *map(_route, {each.path: None for each in OPERATIONS}),
        Route(OPENAPI_PATH, openapi),
        *reference_routes(),
        file_route(),
    ]


def _route(path: str) -> Route:
    """Make the route of all operations of a path."""
    by_method = {each.method: _checked(each) for each in OPERATIONS if each.path == path}
    if len(by_method) == 1:
        [(method, respond)] = by_method.items()
        return Route(path, respond, methods=[method])

    async def dispatch(request: Request) -> Response:
        return await by_method["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, dispatch, methods=[*by_method])


def _checked(operation: Operation) -> Respond:
    """Make the function that answers an operation, and refuses misspelt parameters of its query."""
    respond = operation.endpoint.respond
    if operation.path.startswith(_OF_OTHERS) or (operation.path in _PROBED and operation.method == "GET"):
        return respond
    parameters = (*operation.parameters, *operation.endpoint.parameters)
    known = frozenset(parameter["name"] for parameter in parameters if parameter["in"] == "query")

    async def checked(request: Request) -> Response:
        if request.scope["query_string"]:
            check_query(request, known)
        return await respond(request)

    return checked
