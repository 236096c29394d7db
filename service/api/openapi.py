"""Endpoints with their documentation, and the OpenAPI document."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from service.api.schemas import ProblemBody
from service.problems import MEDIA_TYPE

Respond = Callable[[Request], Awaitable[Response]]
Documented = Callable[[Respond], "Endpoint"]

_PROBLEM: dict[str, Any] = {
    "description": "A problem",
    "content": {MEDIA_TYPE: {"schema": ProblemBody.model_json_schema()}},
}
_REFERENCE = "#/components/schemas/{model}"


@dataclass(frozen=True)
class Endpoint:
    """A function that answers requests, and its documentation.

    Attributes:
        respond: the function; its docstring is the description of the operation.
        summary: summary in a line.
        tag: group of operations.
        answer: type of the JSON of a successful answer; None if the answer is not JSON.
        parameters: OpenAPI's `parameters` of query, path and headers.
        body: OpenAPI's `requestBody`.
        error: type of the JSON of any other answer; None for a problem (RFC 9457).
        responses: OpenAPI's `responses` by status, merged into those made of `answer` and `error`.
    """

    respond: Respond
    summary: str
    tag: str
    answer: Any = None
    parameters: Sequence[Mapping[str, Any]] = ()
    body: Mapping[str, Any] | None = None
    error: Any = None
    responses: Mapping[str, Any] = field(default_factory=dict)


def documented(summary: str, tag: str, **documentation: Any) -> Documented:
    """Decorate a function that answers requests with its documentation (see `Endpoint`)."""
    return lambda respond: Endpoint(respond, summary, tag, **documentation)


@dataclass(frozen=True)
class Operation:
    """A method of a path.

    Attributes:
        parameters: OpenAPI's `parameters` of the path.
    """

    method: str
    path: str
    endpoint: Endpoint
    parameters: Sequence[Mapping[str, Any]] = ()

    @property
    def id(self) -> str:
        """The unique name of the operation."""
        return re.sub(r"\W", "_", f"{self.endpoint.respond.__name__}{self.path}_{self.method.lower()}")


def inline_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Make a JSON schema without references into itself, which would lead nowhere from inside an OpenAPI document."""
    definitions = schema.get("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            node = {**definitions[node["$ref"].rpartition("/")[2]], **{k: v for k, v in node.items() if k != "$ref"}}
        return {key: resolved(value) for key, value in node.items()}

    return dict(resolved({key: value for key, value in schema.items() if key != "$defs"}))


def json_body(schema: Mapping[str, Any], examples: Mapping[str, Any], required: bool = True) -> dict[str, Any]:
    """Make OpenAPI's `requestBody` of JSON.

    Args:
        schema: JSON schema of the body.
        examples: OpenAPI's `examples`.
        required: whether a request needs the body.
    """
    inlined = inline_references(schema)
    content = {"schema": inlined, "examples": examples} if examples else {"schema": inlined}
    return {"required": required, "content": {"application/json": content}}


def openapi_document(info: Mapping[str, Any], operations: Iterable[Operation]) -> dict[str, Any]:
    """Make the OpenAPI document of operations.

    Args:
        info: title, version and description of the service.
        operations: the operations of the document.
    """
    operations = list(operations)
    types = {
        (operation.id, part): getattr(operation.endpoint, part)
        for operation in operations
        for part in ("answer", "error")
        if getattr(operation.endpoint, part) is not None
    }
    inputs = [(key, "serialization", TypeAdapter(kind)) for key, kind in types.items()]
    schemas, definitions = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE)  # type: ignore[arg-type]
    by_key = {key: schema for (key, _), schema in schemas.items()}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        answer, error = by_key.get((operation.id, "answer")), by_key.get((operation.id, "error"))
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, answer, error)
    return {
        "openapi": "3.1.0",
        "info": dict(info),
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {})},
    }


def _described(operation: Operation, answer: Any, error: Any) -> dict[str, Any]:
    """Describe an operation, with the schemas of its answers."""
    endpoint = operation.endpoint
    responses: dict[str, Any] = {"200": {"description": "Successful Response"}, "default": _PROBLEM}
    if answer is not None:
        responses["200"]["content"] = {"application/json": {"schema": answer}}
    if error is not None:
        responses["default"] = {"description": "An error", "content": {"application/json": {"schema": error}}}
    for status, response in endpoint.responses.items():
        known = responses.get(status, {})
        content = {**known.get("content", {}), **response.get("content", {})}
        responses[status] = {**known, **response, **({"content": content} if content else {})}
    described: dict[str, Any] = {
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": cleandoc(endpoint.respond.__doc__ or ""),
        "operationId": operation.id,
        "responses": responses,
    }
    if parameters := [*operation.parameters, *endpoint.parameters]:
        described["parameters"] = parameters
    if endpoint.body is not None:
        described["requestBody"] = endpoint.body
    return described
