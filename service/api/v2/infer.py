"""`POST /v2/models/{name}/infer`: a tensor of texts in, tensors of labels and probabilities out."""

import asyncio
from collections.abc import Sequence

from fastapi import Request, Response

from service.api.body import read_body
from service.api.v2.answers import InferResponse
from service.api.v2.coding import accepted_coding, compress, decompress
from service.api.v2.messages import read_request, write_answer
from service.api.v2.requests import InferRequest, inline_schema
from service.api.v2.routing import of_a_model, predictor_of, v2_router
from service.errors import DeadlineError, InvalidRequestError, NoBodyError, RequestError
from service.inference.predictor import Prediction, Predictor, check_text
from service.state import State, state_of

_SMALL_BYTES = 1_000
"""Compressed bodies up to here are expanded on the event loop."""

router = v2_router()

HEADER_LENGTH = "Inference-Header-Content-Length"

_BINARY = {"schema": {"type": "string", "format": "binary", "description": "JSON, then the bytes of binary tensors."}}
_EXAMPLE = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": ["A waste.", "The best film."]}]}
_OPENAPI = {
    "parameters": [
        {
            "name": HEADER_LENGTH,
            "in": "header",
            "description": "Bytes of the JSON where binary tensors follow; 0: the body is one text and nothing else.",
            "schema": {"type": "integer", "minimum": 0},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": inline_schema(InferRequest),
                "examples": {"texts": {"summary": "Two reviews", "value": _EXAMPLE}},
            },
            "application/octet-stream": _BINARY,
        },
    },
}


@of_a_model(
    router,
    "/infer",
    _OPENAPI,
    methods=["POST"],
    summary="Sentiment of a tensor of texts",
    response_model=InferResponse,
    responses={200: {"content": {"application/octet-stream": _BINARY}}},
)
async def infer(request: Request) -> Response:
    """One BYTES input, `text`, of UTF-8 strings; outputs of its shape, which is [n] or [n, 1].

    The media type is not looked at, as clients of this protocol do not agree on one.
    """
    state = state_of(request)
    predictor = predictor_of(request)
    limits = state.settings
    try:
        body = await read_body(request, limits)
    except NoBodyError as error:
        raise NoBodyError('Send an inference request such as {"inputs": […]}.') from error
    if coding := request.headers.get("content-encoding"):
        if len(body) > _SMALL_BYTES:  # which may take long, a thousand times as large as it is
            body = await asyncio.to_thread(decompress, body, coding, limits.max_body_bytes)
        else:
            body = decompress(body, coding, limits.max_body_bytes)
    wanted, texts = read_request(body, _header_length(request), limits.max_texts)
    _check_texts(texts, limits.max_text_chars)
    request.scope["texts"] = len(texts)
    predictions = await _predict(state, predictor, texts, wanted)
    answer, header_length = write_answer(wanted, predictor.manifest.name, predictor.manifest.version, predictions)
    headers = {} if header_length is None else {HEADER_LENGTH: str(header_length)}
    if (accept := request.headers.get("accept-encoding")) and (answer_coding := accepted_coding(accept, len(answer))):
        answer = compress(answer, answer_coding)
        headers["Content-Encoding"] = answer_coding
    return Response(
        answer, headers=headers, media_type="application/json" if header_length is None else "application/octet-stream"
    )


async def _predict(state: State, predictor: Predictor, texts: Sequence[str], wanted: InferRequest) -> list[Prediction]:
    timeout_microseconds = wanted.parameters.timeout if wanted.parameters else None
    if not timeout_microseconds:
        return await state.scheduler.predict(predictor, texts)
    try:
        async with asyncio.timeout(timeout_microseconds / 1e6):
            return await state.scheduler.predict(predictor, texts)
    except TimeoutError as error:
        raise DeadlineError(f"There was no answer within the {timeout_microseconds:,} microseconds allowed.") from error


def _check_texts(texts: Sequence[str], max_chars: int) -> None:
    for position, text in enumerate(texts):
        try:
            check_text(text, max_chars)
        except RequestError as error:
            raise type(error)(f"text[{position}]: {error}") from error


def _header_length(request: Request) -> int | None:
    value = request.headers.get(HEADER_LENGTH)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) < 20):
        raise InvalidRequestError(f"{HEADER_LENGTH} is {value!r}; it should be the number of bytes of the JSON.")
    return int(value)
