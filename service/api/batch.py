"""`POST /predict/batch`: a file of any size, answered while it is sent, or as soon as it has come."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from service.api.context import RequestContext, context_of
from service.api.delivery import SUMMARY_FIELD, Delivery
from service.api.headers import accepted_codings, media_type, whole_number
from service.api.openapi import documented
from service.api.request import MODEL_PARAMETERS, select_model
from service.api.state import state_of
from service.api.stream import BatchStream
from service.api.upload import MEDIA_TYPE as FORM
from service.api.upload import Upload
from service.classifier import Classifier
from service.errors import ContentEncodingError, InvalidRequestError, MediaTypeError
from service.files.encoding import encoding_named
from service.files.formats import DELIMITERS, FORMATS, MEDIA_TYPES, SUFFIXES, FileType, suffix_of
from service.files.reading import Reader
from service.files.record import NAMES, Options, Position
from service.inference.predictor import Prediction
from service.models.model_choice import Choice
from service.settings import Settings

MAX_PREFIX_CHARS = 64
MAX_LINE = 10**15

_DEFAULTS = Options()

_PROXY_HEADERS = ("via", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix")

_NDJSON_EXAMPLE = '{"id": 1, "text": "I loved every minute of it."}\n"A waste of two hours."\n'
_CSV_EXAMPLE = 'id,text\n1,"I loved every minute of it."\n2,A waste of two hours.\n'
_TSV_EXAMPLE = "id\ttext\n1\tI loved every minute of it.\n2\tA waste of two hours.\n"
_JSON_EXAMPLE = '[{"id": 1, "text": "I loved every minute of it."}, "A waste of two hours."]'
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
        _query(
            "column",
            "CSV column, or member of JSON objects, that holds the texts; of CSV without a header its number, from 1.",
            type="string",
            default="text",
        ),
        _query(
            "delimiter",
            "Delimiter of CSV: one ASCII character that is no letter, digit or double quote, or the word tab.",
            type="string",
            default=",",
            pattern=r"^([\t !#-/:-@\[-`{-~]|tab)$",
        ),
        _query(
            "quote",
            "Whether double quotes can enclose fields of CSV; by default double, for tab-separated values none.",
            type="string",
            enum=["double", "none"],
        ),
        _query(
            "header",
            "Whether the first row of CSV has the names of the columns.",
            type="string",
            enum=["first", "none"],
            default="first",
        ),
        _query(
            "encoding",
            "Encoding of the file, such as cp949 or utf-16; it counts before the charset of Content-Type. A byte order "
            "mark counts before both, and without any of them the file is UTF-8.",
            type="string",
        ),
        _query(
            "fields",
            f"Columns to add to CSV, separated by commas: {', '.join(NAMES)}.",
            type="string",
            default="label,probability",
        ),
        _query(
            "prefix",
            "Put before the added names, for files that have a label of their own.",
            type="string",
            maxLength=64,
        ),
        _query(
            "wait",
            "Whether the answer is sent only when all of it is there, with its length and the summary in a header; as "
            "it is for requests that come through a proxy, in HTTP/1.0, or with Prefer: wait.",
            type="string",
            enum=["true", "false"],
            default="false",
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
            "application/json": _body("An array of objects with a `text`, or of strings.", _JSON_EXAMPLE),
            "text/csv": _body("A header and rows (RFC 4180), ended by LF or CR LF.", _CSV_EXAMPLE),
            "text/tab-separated-values": _body(
                "As text/csv, with tabs between the fields and without quotes.", _TSV_EXAMPLE
            ),
            "text/plain": _body("One text a line.", _PLAIN_EXAMPLE),
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "description": "A file of one of the other types."}},
                }
            },
        },
    },
    "responses": {
        "200": {
            "description": "An answer for each record, in order, sent while the file comes in or after it.",
            "headers": {
                "Content-Encoding": {"description": "gzip, if the request accepts it.", "schema": {"type": "string"}},
                "Trailer": {
                    "description": f"{SUMMARY_FIELD}, which follows the body: the summary, as JSON.",
                    "schema": {"type": "string"},
                },
                SUMMARY_FIELD: {
                    "description": "The summary, as JSON, where the answer is sent as a whole.",
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


@documented(
    "Sentiment of every line of a file",
    "predict",
    parameters=_OPENAPI["parameters"],
    body=_OPENAPI["requestBody"],
    responses=_OPENAPI["responses"],
)
async def batch(request: Request) -> Response:
    """Score a file of any size in one request, in order.

    - **NDJSON**: an object comes back as it was sent, with the members of a prediction at its end; a string becomes an
      object with the number of its line. An array of such values is answered in NDJSON too.
    - **CSV**: each row comes back as it was sent, in the file's encoding, with the columns `label`, `probability` and
      `error` at its end, or those that `fields` names.
    - **Plain text**: answered in NDJSON.

    A file that is sent in chunks is answered while the rest comes in; one that is sent with its length as soon as all
    of it has come; with `wait=true` and behind proxies the answer is sent when it is complete.

    If the model is `auto`, because the query or the service's settings say so, each text is answered by the model that
    reads its script, and each answer has a `model` too: name and version, in CSV as `name/version`.

    A line that cannot be scored is answered in its place, with its number and the problem, and stops nothing. NDJSON
    ends with a summary; the trailer `X-Summary` has it too, for every format. If the file as a whole cannot be read
    (its media type, the header of a CSV, its encoding), the answer is a problem with a status of its own. A file that
    is cut off later has an error as its last answer, a summary with `"complete": false`, and the connection is broken.
    """
    state = state_of(request)
    settings = state.settings
    choice = select_model(request)
    compressed = _is_compressed(request)
    receive, content_type, file_name = request.receive, request.headers.get("content-type", ""), ""
    is_form = media_type(content_type).name == FORM
    if is_form:
        upload = Upload(request.receive, content_type, settings.stream_idle_seconds)
        if compressed:
            raise ContentEncodingError("A form is not read compressed; send its file as it is.")
        await upload.open()
        receive, content_type, file_name = upload.receive, upload.content_type, upload.file_name
    file_type = _file_type(content_type, file_name, is_form)
    query = request.query_params
    encoding = _encoding(query.get("encoding"), content_type)
    start = Position(lines=_first_line(query.get("line", "1")) - 1)
    file_format = FORMATS[file_type.format](_options(request, file_type, settings, choice.auto), start)
    stream = BatchStream(
        receive,
        file_format,
        Reader(file_format, compressed, encoding),
        partial(_classify, state.classifier, context_of(request.scope), choice),
        delivery=Delivery.WHOLE if is_form else _delivery(request),
        budget=state.spool_budget,
        compress=not {"gzip", "x-gzip", "*"}.isdisjoint(accepted_codings(request.headers.get("accept-encoding", ""))),
        idle_seconds=settings.stream_idle_seconds,
        stopping=state.lifecycle.winding_up,
    )
    if "x-request-timeout" not in request.headers:
        context_of(request.scope).lift_deadline()
    await stream.begin()
    return cast(Response, stream)  # as every ASGI application can be


async def _classify(
    classifier: Classifier, context: RequestContext, choice: Choice, texts: Sequence[str]
) -> list[Prediction]:
    """Classify texts of a file, at the pace that its caller may have."""
    if context.caller:
        await context.caller.wait_for_texts(len(texts))
    context.texts += len(texts)
    return await classifier.classify_bulk(choice, texts)


def _file_type(content_type: str, file_name: str, is_form: bool) -> FileType:
    """Return the format of the file.

    Raises:
        MediaTypeError: naming the headers to choose from.
    """
    name = media_type(content_type).name
    if is_form and (by_suffix := SUFFIXES.get(suffix_of(file_name))) and by_suffix.format in FORMATS:
        return by_suffix  # clients guess the type of a form's file, if at all, from the same suffix
    if name in MEDIA_TYPES:
        return MEDIA_TYPES[name]
    if is_form:
        raise MediaTypeError(
            f"The name of the form's file, {file_name[:80]!r}, does not tell what it holds, nor does its media type. "
            "With curl, add it: -F 'file=@FILE;type=text/csv'"
        )
    got = repr(content_type[:200]) if content_type else "not given"
    advice = "With curl, add one: -H 'Content-Type: text/csv'"
    if name == "application/x-www-form-urlencoded":
        advice = (
            "curl -d and --data send this type, and -d @FILE removes the line ends: send the file with "
            "-T FILE -X POST -H 'Content-Type: text/csv'"
        )
    raise MediaTypeError(
        f"The media type is {got}; this route reads application/x-ndjson, application/json, text/csv, "
        f"text/tab-separated-values and text/plain. {advice}"
    )


def _encoding(named: str | None, content_type: str) -> str | None:
    """Return the encoding that the query or the media type names.

    Raises:
        InvalidRequestError, MediaTypeError: it is unknown.
    """
    if named:
        return encoding_named(named)
    charset = media_type(content_type).charset
    if charset is None:
        return None
    try:
        return encoding_named(charset)
    except InvalidRequestError as error:
        raise MediaTypeError(f"The media type is {content_type[:200]!r}. {error}") from error


def _options(request: Request, file_type: FileType, settings: Settings, names_model: bool) -> Options:
    """Read the options of the query.

    Raises:
        InvalidRequestError: one of them has a value that it cannot have.
    """
    query = request.query_params
    prefix = query.get("prefix", "")
    if len(prefix) > MAX_PREFIX_CHARS or not prefix.isprintable():
        raise InvalidRequestError(f"prefix should be {MAX_PREFIX_CHARS} printable characters at most.")
    delimiter = query.get("delimiter", file_type.delimiter)
    return Options(
        column=query.get("column", _DEFAULTS.column),
        delimiter=DELIMITERS.get(delimiter, delimiter),
        quote=_either(request, "quote", "double", "none", file_type.quote),
        header=_either(request, "header", "first", "none", True),
        fields=tuple(name.strip() for name in query["fields"].split(",")) if "fields" in query else _DEFAULTS.fields,
        prefix=prefix,
        max_line_bytes=settings.max_line_bytes,
        max_text_chars=settings.max_text_chars,
        max_columns=settings.max_columns,
        names_model=names_model,
    )


def _either(request: Request, name: str, yes: str, no: str, default: bool) -> bool:
    value = request.query_params.get(name)
    if value is None:
        return default
    if value not in (yes, no):
        raise InvalidRequestError(f"{name} is {value[:40]!r}; it should be {yes} or {no}.")
    return value == yes


def _delivery(request: Request) -> Delivery:
    """Choose when the answer is sent, by what is known of the client and of proxies on the way.

    nginx stops sending a request's body once the answer begins, and names itself in no header of its own: it speaks
    HTTP/1.0, or closes the connection, or knows the length of the body. Most clients read nothing before they have sent
    a body whose length they know.
    """
    headers = request.headers
    if "wait" in request.query_params:
        waits = _either(request, "wait", "true", "false", False)
    else:
        waits = (
            request.scope["http_version"] == "1.0"
            or headers.get("connection", "").lower() == "close"
            or any(name in headers for name in _PROXY_HEADERS)
            or any(part.strip().lower().startswith("wait") for part in headers.get("prefer", "").split(","))
        )
    if waits:
        return Delivery.WHOLE
    return Delivery.KEPT if "content-length" in headers else Delivery.AT_ONCE


def _first_line(value: str) -> int:
    line = whole_number(value, 1, MAX_LINE)
    if line is None:
        raise InvalidRequestError(f"line is {value[:40]!r}; it should be a number from 1 on.")
    return line


def _is_compressed(request: Request) -> bool:
    """Tell whether the body is gzip.

    Raises:
        ContentEncodingError: it is something else.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        raise ContentEncodingError(f"The Content-Encoding is {coding!r}; gzip is read, or none.")
    return "gzip" in coding
