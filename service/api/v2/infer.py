"""`POST /v2/models/{name}/infer`: a tensor of texts in, tensors of labels and probabilities out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from service.api.answering import classify_texts
from service.api.content_coding import answer_coding, compress
from service.api.headers import whole_number
from service.api.request import STICKY_PARAMETER, choose_model, path_version, read_content
from service.api.state import State, state_of
from service.api.v2.answers import InferResponse
from service.api.v2.messages import read_request, write_answer
from service.api.v2.requests import InferRequest, inline_schema
from service.api.v2.routing import documented_v2
from service.errors import DeadlineError, InvalidRequestError, RequestError
from service.inference.predictor import Prediction

HEADER_LENGTH = "Inference-Header-Content-Length"

_BINARY = {"schema": {"type": "string", "format": "binary", "description": "JSON, then the bytes of binary tensors."}}
_EXAMPLE = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": ["A waste.", "The best film."]}]}
_PARAMETERS = [
    {
        "name": HEADER_LENGTH,
        "in": "header",
        "description": "Bytes of the JSON where binary tensors follow; 0: the body is one text and nothing else.",
        "schema": {"type": "integer", "minimum": 0},
    },
    STICKY_PARAMETER,
]
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": inline_schema(InferRequest),
            "examples": {"texts": {"summary": "Two reviews", "value": _EXAMPLE}},
        },
        "application/octet-stream": _BINARY,
    },
}


@documented_v2(
    "Sentiment of a tensor of texts",
    answer=InferResponse,
    parameters=_PARAMETERS,
    body=_BODY,
    responses={"200": {"content": {"application/octet-stream": _BINARY}}},
)
async def infer(request: Request) -> Response:
    """One BYTES input, `text`, of UTF-8 strings; outputs of its shape, which is [n] or [n, 1].

    The media type is ignored, as clients of this protocol send different ones.
    """
    state = state_of(request)
    choice = choose_model(request, request.path_params["name"], path_version(request))
    header_length = _header_length(request)
    wanted, texts = await read_content(
        request,
        lambda body: read_request(body, header_length, state.settings.max_texts, state.max_json_values),
        'Send an inference request such as {"inputs": […]}.',
    )
    await _validate(state, texts)
    predictions = await _predict(partial(classify_texts, request, choice, texts), wanted)
    model = choice.default.name
    answer, json_length = write_answer(wanted, model.name, model.version, predictions)
    headers = {} if json_length is None else {HEADER_LENGTH: str(json_length)}
    if (accept := request.headers.get("accept-encoding")) and (coding := answer_coding(accept, len(answer))):
        answer = compress(answer, coding)
        headers["Content-Encoding"] = coding
    return Response(
        answer, headers=headers, media_type="application/json" if json_length is None else "application/octet-stream"
    )


async def _predict(classify: Callable[[], Awaitable[list[Prediction]]], wanted: InferRequest) -> list[Prediction]:
    """Classify texts within the time that the request allows."""
    timeout_microseconds = wanted.parameters.timeout if wanted.parameters else None
    if not timeout_microseconds:
        return await classify()
    try:
        async with asyncio.timeout(timeout_microseconds / 1e6):
            return await classify()
    except TimeoutError as error:
        raise DeadlineError(f"There was no answer within the {timeout_microseconds:,} microseconds allowed.") from error


async def _validate(state: State, texts: Sequence[str]) -> None:
    """Validate the texts; the message names the text, as the protocol's errors have no pointer."""
    try:
        await state.classifier.validate(texts, _locate)
    except RequestError as error:
        raise type(error)(f"{error.pointer}: {error}" if error.pointer else str(error)) from error


def _locate(position: int | None) -> str | None:
    return None if position is None else f"text[{position}]"


def _header_length(request: Request) -> int | None:
    value = request.headers.get(HEADER_LENGTH)
    if value is None:
        return None
    length = whole_number(value)
    if length is None:
        raise InvalidRequestError(f"{HEADER_LENGTH} is {value[:40]!r}; it should be the number of bytes of the JSON.")
    return length
