"""The shapes of errors by path: problems (RFC 9457) for the service's own interface, others for those of other servers.

Errors of routes, of the framework and of the middleware all pass through here.
"""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from service.problems import MEDIA_TYPE

Handler = Callable[[Request, Exception], Awaitable[Response]]
Shape = Callable[[dict[str, Any], int], dict[str, Any]]

_OF_THE_BODY = ("content-length", "content-type")


def handling_in_shape(handler: Handler) -> Handler:
    """Wrap an exception handler, to answer in the shape of the path."""

    async def answer(request: Request, error: Exception) -> Response:
        return in_shape(request.url.path, await handler(request, error))

    return answer


def in_shape(path: str, response: Response) -> Response:
    """Convert a problem to the shape of the path; return any other response unchanged.

    The other interfaces have no status 422 (but one): an invalid request is a 400.

    Args:
        path: path of the request.
        response: response to it.
    """
    if response.media_type != MEDIA_TYPE:
        return response
    shape = _shape_of(path)
    # Only a POST to / is one of another interface: a method that / does not take is refused as everywhere.
    if shape is None or (path == "/" and response.status_code == HTTPStatus.METHOD_NOT_ALLOWED):
        return response
    status = response.status_code
    if status == HTTPStatus.UNPROCESSABLE_ENTITY and shape is not _tei:
        status = HTTPStatus.BAD_REQUEST
    content = shape(json.loads(bytes(response.body)), status)
    headers = {name: value for name, value in response.headers.items() if name not in _OF_THE_BODY}
    return JSONResponse(content, status, headers)


def _shape_of(path: str) -> Shape | None:
    if path in ("/", "/v2", "/v1/models") or path.startswith(("/v2/", "/v1/models/")):
        return _message
    if path in ("/classify", "/infinity/classify"):
        return _openai
    return _tei if path == "/info" else None


def _message(problem: dict[str, Any], _: int) -> dict[str, Any]:
    """Make the error of the Open Inference Protocol, TensorFlow Serving and Hugging Face."""
    return {"error": problem["detail"]}


def _tei(problem: dict[str, Any], status: int) -> dict[str, Any]:
    """Make the error of Text Embeddings Inference."""
    kind = "Overloaded" if status == HTTPStatus.SERVICE_UNAVAILABLE else "Backend"
    return {
        "error": problem["detail"],
        "error_type": kind if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Validation",
    }


def _openai(problem: dict[str, Any], status: int) -> dict[str, Any]:
    """Make the error of OpenAI and vLLM."""
    return {"error": {"message": problem["detail"], "type": problem["type"].removeprefix("/problems/"), "code": status}}
