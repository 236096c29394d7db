"""Errors in the protocol's shape: `{"error": "…"}`, whatever a route, the framework or a bug said."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from service.problems import MEDIA_TYPE

Handler = Callable[[Request, Exception], Awaitable[Response]]

_OF_THE_BODY = ("content-length", "content-type")


def speaking_v2(handler: Handler) -> Handler:
    """An exception handler that answers as `handler` does, below `/v2` in the protocol's shape."""

    async def answer(request: Request, error: Exception) -> Response:
        return as_v2(request.url.path, await handler(request, error))

    return answer


def as_v2(path: str, response: Response) -> Response:
    """A problem (RFC 9457) as the protocol's error where the path is one of its own; anything else as it is.

    The protocol knows no 422: what is wrong with a request is a 400.
    """
    if not (path == "/v2" or path.startswith("/v2/")) or response.media_type != MEDIA_TYPE:
        return response
    detail = json.loads(bytes(response.body))["detail"]
    status = response.status_code
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    headers = {name: value for name, value in response.headers.items() if name not in _OF_THE_BODY}
    return JSONResponse({"error": detail}, status, headers)
