"""Reading a request's body: counted while it streams in, then parsed in one go."""

import asyncio
from email.message import Message
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from service.errors import (
    BodyTooLargeError,
    BrokenJsonError,
    InvalidRequestError,
    MediaTypeError,
    NoBodyError,
    SlowBodyError,
)
from service.settings import Settings

Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, settings: Settings) -> bytes:
    """The body, refused as soon as it is known to be too large or too slow.

    Raises:
        BodyTooLargeError: `Content-Length` announces too much, or more than that has come in.
        SlowBodyError: it is not there in time.
        NoBodyError: it is empty.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > settings.max_body_bytes:
        raise _too_large(settings.max_body_bytes)
    message = await request.receive()
    body = bytes(message.get("body", b""))
    if message.get("more_body"):  # most bodies are there at once, and need neither a clock nor a list
        body = await _rest(request, body, settings)
    if len(body) > settings.max_body_bytes:
        raise _too_large(settings.max_body_bytes)
    if not body:
        raise NoBodyError('Send a JSON object such as {"text": "I loved every minute of it."}.')
    return body


async def _rest(request: Request, begin: bytes, settings: Settings) -> bytes:
    chunks = [begin]
    size = len(begin)
    try:
        async with asyncio.timeout(settings.body_seconds):
            more = True
            while more and size <= settings.max_body_bytes:
                message = await request.receive()
                more = message.get("more_body", False)
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
    except TimeoutError as error:
        raise SlowBodyError(
            f"The body was not there within {settings.body_seconds:g} seconds; {size:,} bytes were."
        ) from error
    return b"".join(chunks)


def check_json_media_type(request: Request) -> None:
    """Refuses a body that does not say it is JSON.

    Raises:
        MediaTypeError: naming the header to send.
    """
    value = request.headers.get("content-type", "")
    if value == "application/json":
        return
    header = Message()
    header["content-type"] = value or "none/none"
    media_type, charset = header.get_content_type(), header.get_content_charset("utf-8")
    if not (media_type == "application/json" or media_type.endswith("+json")) or charset not in ("utf-8", "us-ascii"):
        got = repr(value) if value else "not given"
        raise MediaTypeError(
            f"The media type is {got}; this route reads application/json in UTF-8. "
            "With curl, add: -H 'Content-Type: application/json'"
        )


def parse(body: bytes, model: type[Body]) -> Body:
    """The body as a validated `model`.

    Raises:
        BrokenJsonError: it is not JSON in UTF-8.
        InvalidRequestError: it is JSON of another shape; the error points to the first place.
    """
    try:
        return model.model_validate_json(body.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    message = first["msg"].removeprefix("Invalid JSON: ").removeprefix("Value error, ")
    if first["type"] == "json_invalid":
        raise BrokenJsonError(f"The body cannot be read as JSON: {message}.")
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in first["loc"])
    raise InvalidRequestError(f"{pointer.removeprefix('/') or 'The body'}: {message}.", pointer)


def _too_large(max_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"A body may have {max_bytes:,} bytes; send less at a time.")
