"""`POST /predict/batch`: a file of any size, answered while it is sent."""

from email.message import Message
from functools import partial
from typing import Any, cast

from fastapi import APIRouter, Request, Response

from service.api.asking import MODEL_PARAMETERS, asked_choice
from service.api.stream import SUMMARY_TRAILER, BatchStream
from service.errors import ContentEncodingError, InvalidRequestError, MediaTypeError
from service.files import DELIMITERS, FORMATS
from service.files.record import Options, Position
from service.state import state_of

router = APIRouter(tags=["predict"])

MEDIA_TYPES = {
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "text/plain": "text",
}
"""Formats by the media types that ask for them; NDJSON and its other names have no registered one."""

MAX_PREFIX_CHARS = 64
MAX_LINE = 10**15

_NDJSON_EXAMPLE = '{"id": 1, "text": "I loved every minute of it."}\n"A waste of two hours."\n'
_CSV_EXAMPLE = 'id,text\n1,"I loved every minute of it."\n2,A waste of two hours.\n'
_PLAIN_EXAMPLE = "I loved every minute of it.\nA waste of two hours.\n"

_ANSWER = (
    '{"id": 1, "text": "I loved every minute of it.","label":"positive","probability":0.99885327,"words":6,'
    '"known_words":5,"truncated":false}\n'
    '{"line":2,"label":"negative","probability":0.018157385,"words":5,"known_words":4,"truncated":false}\n'
    '{"line":3,"error":{"type":"/problems/blank-text","title":"A text is blank","status":422,'
    '"detail":"The line is blank; there is nothing to judge."}}\n'
    '{"summary":{"lines":3,"scored":2,"errors":1}}\n'
)


def _query(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _body(description: str, example: str) -> dict[str, Any]:
    return {
        "schema": {"type": "string", "minLength": 1, "description": description},
        "examples": {"two": {"summary": "Two reviews", "value": example}},
    }


_OPENAPI: dict[str, Any] = {
    "parameters": [
        *MODEL_PARAMETERS,
        _query("column", "CSV column that holds the texts.", type="string", default="text"),
        _query(
            "delimiter",
            "Of CSV: one ASCII character that is no letter, digit or double quote, or the word tab.",
            type="string",
            default=",",
            pattern=r"^([\t !#-/:-@\[-`{-~]|tab)$",
        ),
        _query(
            "prefix",
            "Put before the names of what is added, for files that have a label of their own.",
            type="string",
            maxLength=64,
        ),
        _query(
            "line",
            "Number of the first line that is sent (in CSV the header's), where this is a piece of a larger file.",
            type="integer",
            minimum=1,
            maximum=MAX_LINE,
            default=1,
        ),
        {
            "name": "Content-Encoding",
            "in": "header",
            "description": "gzip, if the file is compressed.",
            "schema": {"type": "string", "enum": ["gzip", "x-gzip", "identity"]},
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": _body(
                "On each line an object with a `text` and any other members, or a string.", _NDJSON_EXAMPLE
            ),
            "text/csv": _body("A header and rows (RFC 4180, UTF-8), ended by LF or CR LF.", _CSV_EXAMPLE),
            "text/tab-separated-values": _body(
                "As text/csv, with tabs between the fields.", _CSV_EXAMPLE.replace(",", "\t")
            ),
            "text/plain": _body("One text a line.", _PLAIN_EXAMPLE),
        },
    },
    "responses": {
        "200": {
            "description": "An answer for each record, in order, sent while the file comes in.",
            "headers": {
                "Content-Encoding": {"description": "gzip, if the request accepts it.", "schema": {"type": "string"}},
                "Trailer": {
                    "description": f"{SUMMARY_TRAILER}, which follows the body: the summary, as JSON.",
                    "schema": {"type": "string"},
                },
            },
            "content": {
                "application/x-ndjson": {
                    "schema": {"type": "string"},
                    "examples": {"lines": {"summary": "Two reviews, a blank line, the summary", "value": _ANSWER}},
                },
                "text/csv": {"schema": {"type": "string"}},
            },
        }
    },
}


@router.post("/predict/batch", summary="Sentiment of every line of a file", openapi_extra=_OPENAPI)
async def batch(request: Request) -> Response:
    """A file of any size in one request: what is scored is answered while the rest comes in, in order.

    - **NDJSON**: an object comes back as it was sent, with the members of a prediction at its end; a string becomes an
      object with the number of its line.
    - **CSV**: each row comes back as it was sent, with the columns `label`, `probability` and `error` at its end.
    - **Plain text**: answered in NDJSON.

    If the model is `auto`, because the query or the service's settings say so, each text is answered by the model that
    reads its script, and each answer has a `model` too: name and version, in CSV as `name/version`.

    A line that cannot be scored is answered in its place, with its number and the problem, and stops nothing. NDJSON
    ends with a summary; the trailer `X-Summary` has it too, for every format. What is wrong with the file as a whole
    (its media type, the header of a CSV, its first bytes) is a problem with a status of its own.
    """
    state = state_of(request)
    choice = asked_choice(request)
    name, delimiter = _format_of(request)
    query = request.query_params
    prefix = query.get("prefix", "")
    if len(prefix) > MAX_PREFIX_CHARS or not prefix.isprintable():
        raise InvalidRequestError(f"prefix should be {MAX_PREFIX_CHARS} printable characters at most.")
    file_format = FORMATS[name](
        Options(
            column=query.get("column", "text"),
            delimiter=DELIMITERS.get(asked := query.get("delimiter", delimiter), asked),
            prefix=prefix,
            max_line_bytes=state.settings.max_line_bytes,
            max_text_chars=state.settings.max_text_chars,
            names_model=choice.auto,
        ),
        Position(lines=_first_line(query.get("line", "1")) - 1),
    )
    stream = BatchStream(
        request.receive,
        file_format,
        partial(choice.scheduled, state.scheduler, bulk=True),
        compressed=_is_compressed(request),
        compress=_accepts_gzip(request.headers.get("accept-encoding", "")),
        idle_seconds=state.settings.stream_idle_seconds,
        stopping=state.lifecycle.winding_up,
    )
    if "deadline" in request.scope and "x-request-timeout" not in request.headers:
        request.scope["deadline"].cancel()  # a file takes as long as it takes
    await stream.begin()
    return cast(Response, stream)  # as every ASGI application can be


def _format_of(request: Request) -> tuple[str, str]:
    """The name of the file's format, and the delimiter that goes without saying.

    Raises:
        MediaTypeError: naming the headers to choose from.
    """
    value = request.headers.get("content-type", "")
    header = Message()
    header["content-type"] = value or "none/none"
    media_type = header.get_content_type() if "/" in value else ""
    if media_type not in MEDIA_TYPES or header.get_content_charset("utf-8") not in ("utf-8", "us-ascii"):
        got = repr(value) if value else "not given"
        raise MediaTypeError(
            f"The media type is {got}; this route reads application/x-ndjson, text/csv and text/plain, in UTF-8. "
            "With curl, add one: -H 'Content-Type: text/csv'"
        )
    return MEDIA_TYPES[media_type], "\t" if media_type == "text/tab-separated-values" else ","


def _first_line(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= 16 and 1 <= int(value) <= MAX_LINE):
        raise InvalidRequestError(f"line is {value[:40]!r}; it should be a number from 1 on.")
    return int(value)


def _is_compressed(request: Request) -> bool:
    """Whether the body is gzip.

    Raises:
        ContentEncodingError: it is something else.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        raise ContentEncodingError(f"The Content-Encoding is {coding!r}; gzip is read, or none.")
    return "gzip" in coding


def _accepts_gzip(accept_encoding: str) -> bool:
    """RFC 9110, section 12.5.3, as far as gzip goes."""
    for choice in accept_encoding.lower().split(","):
        coding, _, weight = choice.replace(" ", "").partition(";")
        if coding in ("gzip", "x-gzip", "*"):
            return weight.rstrip("0.") != "q="
    return False
