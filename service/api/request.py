"""Reading of a request: its body as a validated object, within limits, and the model that it selects."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from service.api.content_coding import decompress
from service.api.context import context_of
from service.api.headers import media_type, whole_number
from service.api.schemas import ForModel
from service.api.state import State, state_of
from service.api.suggestions import shown, suggestion
from service.errors import (
    BodyTooLargeError,
    BrokenJsonError,
    InvalidRequestError,
    MediaTypeError,
    NoBodyError,
    SlowBodyError,
)
from service.inference.languages import AUTO
from service.json_size import UNCOUNTED_BYTES, check_json_size
from service.models.model_choice import Choice
from service.versions import VERSION_PATTERN, Version, parse_version

STICKY_HEADER = "X-Sticky-Key"
"""Header with the key of requests that should get the same version, where a rollout divides them."""

STICKY_PARAMETER: dict[str, Any] = {
    "name": STICKY_HEADER,
    "in": "header",
    "description": "Where a rollout divides requests among versions: the same key gets the same version.",
    "schema": {"type": "string"},
}

MODEL_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "model",
        "in": "query",
        "description": f"Model; {AUTO} for the one that reads the text's script; without it the service's default.",
        "schema": {"type": "string", "minLength": 1},
    },
    {
        "name": "version",
        "in": "query",
        "description": "Its version, or a label such as stable; without it what the model's rollout serves.",
        "schema": {"type": "string", "pattern": VERSION_PATTERN},
    },
    STICKY_PARAMETER,
]
"""Query parameters of `select_model`, for the OpenAPI document."""

EXAMPLE = 'Send a JSON object such as {"text": "I loved every minute of it."}.'

_NOT_GIVEN = ForModel()

Body = TypeVar("Body", bound=BaseModel)
Value = TypeVar("Value")


async def read_json(request: Request, model: type[Body], example: str = EXAMPLE) -> Body:
    """Read a JSON body as a validated `model`.

    Args:
        request: the request.
        model: pydantic model of the body.
        example: advice for a request without a body.

    Raises:
        MediaTypeError: the media type is not JSON in UTF-8.
        RequestError: see `read_content` and `parse_json`.
    """
    check_json_media_type(request)
    max_values = state_of(request).max_json_values
    return await read_content(request, lambda content: parse_json(content, model, max_values), example)


async def read_content(request: Request, parse: Callable[[bytes], Value], example: str) -> Value:
    """Read a body, undo its content coding and parse it.

    A large or compressed body is expanded and parsed on a thread: other requests go on meanwhile, and the number of
    threads limits the bodies that are expanded at a time.

    Args:
        request: the request.
        parse: parses the content.
        example: advice for a request without a body.

    Raises:
        NoBodyError: the body is empty.
        BodyTooLargeError: the body is too large, as sent or expanded.
        SlowBodyError: the body did not arrive in time.
        MediaTypeError, InvalidRequestError: its content coding is unknown, or wrong.
    """
    max_bytes = state_of(request).settings.max_body_bytes
    body = await _read_body(request)
    if not body:
        raise NoBodyError(example)
    coding = _header(request, b"content-encoding")
    if coding or len(body) > UNCOUNTED_BYTES:
        return await asyncio.to_thread(lambda: parse(decompress(body, coding, max_bytes)))
    return parse(body)


def _header(request: Request, name: bytes) -> str:
    """Return a header field, empty if there is none; Starlette's `headers` goes through all fields each time."""
    return context_of(request.scope).headers.get(name, b"").decode("latin-1")


async def _read_body(request: Request) -> bytes:
    settings = state_of(request).settings
    announced = whole_number(_header(request, b"content-length"))
    if announced is not None and announced > settings.max_body_bytes:
        raise _too_large(settings.max_body_bytes)
    message = await request.receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):  # most bodies are there at once, and need neither a clock nor a list
        body = await _read_rest(request, body)
    if len(body) > settings.max_body_bytes:
        raise _too_large(settings.max_body_bytes)
    return body


async def _read_rest(request: Request, begin: bytes) -> bytes:
    settings = state_of(request).settings
    chunks = [begin]
    size = len(begin)
    try:
        async with asyncio.timeout(settings.body_seconds):
            more = True
            while more and size <= settings.max_body_bytes:
                message = await request.receive()
                more = message.get("more_body", False)
                chunk = message.get("body", b"")
                chunks.append(chunk)
                size += len(chunk)
    except TimeoutError as error:
        raise SlowBodyError(
            f"The body was not there within {settings.body_seconds:g} seconds; {size:,} bytes were."
        ) from error
    return b"".join(chunks)


def parse_json(body: bytes, model: type[Body], max_values: int) -> Body:
    """Parse JSON as a validated `model`.

    Args:
        body: JSON in UTF-8.
        model: pydantic model of the body.
        max_values: largest number of JSON values.

    Raises:
        BodyTooLargeError: the body has more than `max_values` values.
        BrokenJsonError: the body is not JSON in UTF-8.
        InvalidRequestError: the body does not fit the model; the pointer names the first such place.
    """
    check_json_size(body, max_values)
    try:
        return model.model_validate_json(body.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False, include_context=False)
    # A misspelt field is also a missing one; the spelling tells more.
    first = next((each for each in errors if each["type"] == "extra_forbidden" and len(each["loc"]) == 1), errors[0])
    message = first["msg"].removeprefix("Invalid JSON: ").removeprefix("Value error, ")
    if first["type"] == "json_invalid":
        raise BrokenJsonError(f"The body cannot be read as JSON: {message}.")
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        message = f"there is no such field. {suggestion(str(first['loc'][0]), model.model_fields)}".removesuffix(".")
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in first["loc"])
    raise InvalidRequestError(f"{pointer.removeprefix('/') or 'The body'}: {message}.", pointer)


def select_model(request: Request, body: ForModel = _NOT_GIVEN) -> Choice:
    """Select the model that a request names in its query or its body.

    Raises:
        InvalidRequestError, ModelNotFoundError: there is no such model, or query and body contradict each other.
    """
    name, version = body.model, body.version
    if request.scope["query_string"]:
        query = request.query_params
        in_query = _version(query.get("version"))
        _check_agreement("model", query.get("model"), name)
        _check_agreement("version", in_query, version)
        name = query.get("model") if name is None else name
        version = in_query if version is None else version
    return choose_model(request, name, version)


def choose_model(request: Request, name: str | None, version: Version | None = None) -> Choice:
    """Select the model of a request; where a rollout divides the requests, by the key that this one has.

    Args:
        request: the request, whose context gets the name of the model.
        name: name of the model; None selects the default.
        version: its version or label; None leaves it to the rollout.

    Raises:
        InvalidRequestError, ModelNotFoundError: there is no such model.
    """
    state: State = state_of(request)
    key = request.headers.get(STICKY_HEADER) if state.registry.divides else None
    choice = state.classifier.select(name, version, key)
    if not choice.auto:
        context_of(request.scope).model = choice.default.name
    return choice


def path_version(request: Request) -> Version | None:
    """Read the version, or label, in the path of a request.

    Raises:
        InvalidRequestError: it is neither.
    """
    value = request.path_params.get("version") or request.path_params.get("label")
    return _version(value)


def check_query(request: Request, known: Collection[str]) -> None:
    """Check the names of the query's parameters.

    Args:
        request: the request.
        known: names of all parameters that the route has.

    Raises:
        InvalidRequestError: there is another one.
    """
    for name in request.query_params:
        if name not in known:
            raise InvalidRequestError(f"There is no query parameter {shown(name)}. {suggestion(name, known)}")


def check_json_media_type(request: Request) -> None:
    """Check that a body is JSON in UTF-8.

    Raises:
        MediaTypeError: it is something else.
    """
    value = _header(request, b"content-type")
    if value == "application/json":
        return
    given = media_type(value)
    if not (given.name == "application/json" or given.name.endswith("+json")) or not given.is_unicode:
        got = repr(value) if value else "not given"
        raise MediaTypeError(
            f"The media type is {got}; this route reads application/json in UTF-8. "
            "With curl, add: -H 'Content-Type: application/json'"
        )


def _check_agreement(field: str, in_query: Version | None, in_body: Version | None) -> None:
    if in_query is not None and in_body is not None and in_query != in_body:
        raise InvalidRequestError(f"{field} is {in_query!r} in the query and {in_body!r} in the body.", f"/{field}")


def _version(value: str | None) -> Version | None:
    try:
        return None if value is None else parse_version(value)
    except ValueError as error:
        raise InvalidRequestError(f"{error}.") from error


def _too_large(max_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"A body may have {max_bytes:,} bytes; send less at a time.")
