"""Answers in JSON."""

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter
from starlette.responses import Response

from service.inference.predictor import Predictor

to_json: Callable[[dict[str, Any]], bytes] = TypeAdapter(dict[str, Any]).serializer.to_json


class JsonResponse(Response):
    """A response whose body is JSON already, with no other headers than its own."""

    media_type = "application/json"
    background = None
    status_code = 200

    def __init__(self, body: bytes) -> None:
        # Starlette's own derives from its arguments what is known here.
        self.body = body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]


def json_response(content: dict[str, Any]) -> Response:
    """Make the response of an object."""
    return JsonResponse(to_json(content))


def model_ref(predictor: Predictor) -> dict[str, Any]:
    """Name a model as the fields of `ModelRef`."""
    return predictor.name.fields()
