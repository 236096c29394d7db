"""Answers in JSON."""

from typing import Any

from pydantic import TypeAdapter
from starlette.responses import Response

from service.inference.predictor import Predictor

to_json = TypeAdapter(dict[str, Any]).dump_json


def json_response(content: dict[str, Any]) -> Response:
    """Make the response of an object."""
    return Response(to_json(content), media_type="application/json")


def model_ref(predictor: Predictor) -> dict[str, Any]:
    """Name a model as the fields of `ModelRef`."""
    return predictor.name.fields()
