"""The requests of the client and the reading of their answers, without sending anything."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, Self, TypeVar
from uuid import uuid4

from pydantic import TypeAdapter

from service.api.schemas import (
    ExplainResponse,
    FeedbackResponse,
    HealthResponse,
    ManyResponse,
    ModelResponse,
    ModelsResponse,
    OneOfMany,
    ProblemBody,
    SingleResponse,
)
from service.versions import Version

MAX_TEXTS = 1_000
"""Texts of a request: what the service takes unless it is set up otherwise."""

MAX_CHARS = 2_000_000
"""Characters of them: at most 12 bytes each in JSON, so that hardly any request is too large."""

REQUESTS_AHEAD = 4
"""Requests in flight at a time, of those that belong together."""

_MAX_LINES = 500

_SINGLE_RESPONSES = TypeAdapter(list[SingleResponse])

Result = TypeVar("Result")


@dataclass(frozen=True)
class ModelQuery:
    """The model of a request; without a name the service's default, without a version the model's.

    Attributes:
        version: its number, or a label.
        sticky_key: where a rollout divides requests among versions, those with the same key get the same one.
    """

    model: str | None = None
    version: Version | None = None
    sticky_key: str | None = None

    def together(self, key: str | None = None) -> Self:
        """Let all requests of one job get the same version.

        Args:
            key: of the job; None for a new one.
        """
        return self if self.sticky_key else replace(self, sticky_key=key or new_request_id())

    def params(self) -> dict[str, str]:
        """Build the query parameters."""
        named = {"model": self.model, "version": self.version}
        return {name: str(value) for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class FileSummary:
    """Numbers of a file's records that were scored, and that have an error instead."""

    scored: int
    errors: int


class CutOffError(Exception):
    """The service stopped in the middle of an answer; asked again, it may give all of it."""


@dataclass(frozen=True)
class Call(Generic[Result]):
    """A request, and how its answer is read.

    Attributes:
        parse: makes the result of the content of an answer of success. It raises `CutOffError` for a part of an
            answer, and other errors for what is no answer of the service.
        accepts: media types that the answer may have.
        first_text: position of the first text among all that the caller gave.
        sticky_key: see `ModelQuery`.
    """

    method: str
    path: str
    parse: Callable[[bytes], Result]
    content: bytes | None = None
    media_type: str = "application/json"
    params: dict[str, str] = field(default_factory=dict)
    accepts: tuple[str, ...] = ("application/json",)
    first_text: int = 0
    sticky_key: str | None = None

    def arguments(self, request_id: str) -> dict[str, Any]:
        """Build the arguments of httpx's `request`."""
        headers = {"X-Request-ID": request_id}
        if self.sticky_key:
            headers["X-Sticky-Key"] = self.sticky_key
        if self.content is not None:
            headers["Content-Type"] = self.media_type
        return {
            "method": self.method,
            "url": self.path,
            "params": self.params,
            "content": self.content,
            "headers": headers,
        }


def common_headers(api_key: str | None, timeout_seconds: float) -> dict[str, str]:
    """Build the headers of every request; the service gives up when the client does."""
    timeout = {"X-Request-Timeout": f"{min(max(timeout_seconds, 0.001), 999_999):.3f}"}
    return {**timeout, "Authorization": f"Bearer {api_key}"} if api_key else timeout


def new_request_id() -> str:
    """Make an id by which the service's log has a request."""
    return uuid4().hex


def predict(text: str, query: ModelQuery) -> Call[SingleResponse]:
    """Build `POST /predict` with one text."""
    return _post("/predict", {"text": check_text(text)}, SingleResponse.model_validate_json, query)


def predict_many(texts: Iterable[str], query: ModelQuery) -> Iterator[Call[list[OneOfMany]]]:
    """Build `POST /predict` with many texts, as many requests as they need.

    Raises:
        TypeError: one of them is no text; nothing was sent by then.
    """
    position = 0
    for some in batches(list(checked(texts))):
        parse = partial(_predictions, len(some))
        yield _post("/predict", {"texts": some}, parse, query, first_text=position)
        position += len(some)


def predict_together(texts: Sequence[str], query: ModelQuery) -> Call[list[SingleResponse]]:
    """Build `POST /predict` with texts of one batch, whose answers are those to single texts."""
    return _post("/predict", {"texts": texts}, partial(_single_predictions, len(texts)), query)


def explain(text: str, max_phrases: int | None, query: ModelQuery) -> Call[ExplainResponse]:
    """Build `POST /explain`."""
    phrases = {} if max_phrases is None else {"max_phrases": max_phrases}
    return _post("/explain", {"text": check_text(text), **phrases}, ExplainResponse.model_validate_json, query)


def score_lines(texts: Iterable[str], query: ModelQuery) -> Iterator[Call[list[OneOfMany | ProblemBody]]]:
    """Build `POST /predict/batch` with texts as lines of NDJSON, as many requests as they need."""
    for some in batches(checked(texts), max_texts=_MAX_LINES):
        content = "".join(json.dumps(text) + "\n" for text in some).encode()
        parse = partial(_scored, len(some))
        media_type = "application/x-ndjson"
        params, key = query.params(), query.sticky_key
        yield Call("POST", "/predict/batch", parse, content, media_type, params, (media_type,), sticky_key=key)


def feedback(
    label: str, request_id: str | None, position: int | None, text: str | None, query: ModelQuery
) -> Call[FeedbackResponse]:
    """Build `POST /feedback`.

    Raises:
        TypeError: there is neither a request id nor a text, or both.
    """
    if (request_id is None) == (text is None):
        raise TypeError("Give either request_id or text.")
    about = {"request_id": request_id, "position": position, "text": None if text is None else check_text(text)}
    body = {"label": label, **{name: value for name, value in about.items() if value is not None}}
    return _post("/feedback", body, FeedbackResponse.model_validate_json, query)


def health() -> Call[HealthResponse]:
    """Build `GET /health`."""
    return Call("GET", "/health", HealthResponse.model_validate_json)


def models() -> Call[list[ModelResponse]]:
    """Build `GET /models`."""
    return Call("GET", "/models", lambda content: ModelsResponse.model_validate_json(content).models)


def checked(texts: Iterable[str]) -> Iterator[str]:
    """Yield the texts.

    Raises:
        TypeError: `texts` is a single text, or one of them is no text; its index is named.
    """
    if isinstance(texts, str | bytes):
        raise TypeError(f"texts is a single {type(texts).__name__}; put it in a list: [text].")
    return (check_text(text, f"texts[{position}]") for position, text in enumerate(texts))


def check_text(text: str, name: str = "text") -> str:
    """Return the text.

    Raises:
        TypeError: it is none, as None, NaN and numbers are.
    """
    if not isinstance(text, str):
        raise TypeError(f"{name} is {text!r:.50} ({type(text).__name__}); a text is a str.")
    return text


def batches(texts: Iterable[str], max_texts: int = MAX_TEXTS) -> Iterator[Sequence[str]]:
    """Yield the texts, as many together as a request takes; one that is longer than that is alone."""
    batch: list[str] = []
    chars = 0
    for text in texts:
        if batch and (len(batch) == max_texts or chars + len(text) > MAX_CHARS):
            yield batch
            batch, chars = [], 0
        batch.append(text)
        chars += len(text)
    if batch:
        yield batch


def whole_lines(content: bytes) -> tuple[list[bytes], FileSummary]:
    """Split an answer in NDJSON into its lines, without their ends, and the summary that ends it.

    Raises:
        CutOffError: it is not whole.
    """
    try:
        *lines, last, _ = content.split(b"\n")
        summary = json.loads(last)["summary"]
        whole, counts = summary.get("complete", True), FileSummary(summary["scored"], summary["errors"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise CutOffError("The answer ends too early.") from error
    if not whole:
        raise CutOffError(json.loads(lines[-1])["error"]["detail"] if lines else "Nothing was scored.")
    return lines, counts


def _post(
    path: str, body: dict[str, Any], parse: Callable[[bytes], Result], query: ModelQuery, first_text: int = 0
) -> Call[Result]:
    content, params, key = json.dumps(body).encode(), query.params(), query.sticky_key
    return Call("POST", path, parse, content, params=params, first_text=first_text, sticky_key=key)


def _predictions(sent: int, content: bytes) -> list[OneOfMany]:
    predictions = ManyResponse.model_validate_json(content).predictions
    _check_number(len(predictions), sent)
    return predictions


def _single_predictions(sent: int, content: bytes) -> list[SingleResponse]:
    answer = json.loads(content)
    for prediction in answer["predictions"]:
        prediction["model"] = prediction.get("model") or answer["model"]
    predictions = _SINGLE_RESPONSES.validate_python(answer["predictions"])
    _check_number(len(predictions), sent)
    return predictions


def _scored(sent: int, content: bytes) -> list[OneOfMany | ProblemBody]:
    answers = [json.loads(line) for line in whole_lines(content)[0]]
    _check_number(len(answers), sent)
    return [
        ProblemBody.model_validate(answer["error"]) if "error" in answer else OneOfMany.model_validate(answer)
        for answer in answers
    ]


def _check_number(answered: int, sent: int) -> None:
    if answered != sent:
        raise ValueError(f"it answers {answered} texts of {sent}")
