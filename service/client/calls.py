"""What goes over the wire and what comes back, without sending anything."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import uuid4

from service.api.schemas import (
    ExplainResponse,
    HealthResponse,
    ManyResponse,
    ModelResponse,
    ModelsResponse,
    OneOfMany,
    ProblemBody,
    SingleResponse,
)

MAX_TEXTS = 1_000
"""Texts of a request: what the service takes unless it is set up otherwise."""

MAX_CHARS = 2_000_000
"""Characters of them: at most 12 bytes each in JSON, so that hardly any request is too large."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Asked:
    """Which model is asked; without a name the service's default, without a version the model's."""

    model: str | None = None
    version: int | None = None

    def params(self) -> dict[str, str]:
        """The query."""
        named = {"model": self.model, "version": self.version}
        return {name: str(value) for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class FileSummary:
    """What became of a file's records."""

    scored: int
    errors: int


class CutOffError(Exception):
    """The service stopped in the middle of an answer; asked again, it may give all of it."""


@dataclass(frozen=True)
class Call(Generic[Result]):
    """A request, and how its answer is read.

    Attributes:
        parse: makes the result of the content of an answer of success.
        first_text: position of the first text among all that the caller gave.
    """

    method: str
    path: str
    parse: Callable[[bytes], Result]
    content: bytes | None = None
    media_type: str = "application/json"
    params: dict[str, str] = field(default_factory=dict)
    first_text: int = 0

    def arguments(self, request_id: str) -> dict[str, Any]:
        """What httpx's `request` takes."""
        about = {"X-Request-ID": request_id}
        if self.content is not None:
            about["Content-Type"] = self.media_type
        return {
            "method": self.method,
            "url": self.path,
            "params": self.params,
            "content": self.content,
            "headers": about,
        }


def headers(api_key: str | None, timeout_seconds: float) -> dict[str, str]:
    """What every request has; the service gives up when the client does."""
    about = {"X-Request-Timeout": f"{min(max(timeout_seconds, 0.001), 999_999):.3f}"}
    return {**about, "Authorization": f"Bearer {api_key}"} if api_key else about


def new_request_id() -> str:
    """An id by which the service's log has a request."""
    return uuid4().hex


def predict(text: str, asked: Asked) -> Call[SingleResponse]:
    """`POST /predict` with one text."""
    return _post("/predict", {"text": text}, SingleResponse.model_validate_json, asked)


def predict_many(texts: Iterable[str], asked: Asked) -> Iterator[Call[list[OneOfMany]]]:
    """`POST /predict` with many, as many requests as they need."""
    position = 0
    for chunk in _chunks(texts):
        call = _post("/predict", {"texts": chunk}, _predictions, asked)
        yield Call(call.method, call.path, call.parse, call.content, params=call.params, first_text=position)
        position += len(chunk)


def explain(text: str, max_phrases: int | None, asked: Asked) -> Call[ExplainResponse]:
    """`POST /explain`."""
    phrases = {} if max_phrases is None else {"max_phrases": max_phrases}
    return _post("/explain", {"text": text, **phrases}, ExplainResponse.model_validate_json, asked)


def score_lines(texts: Iterable[str], asked: Asked) -> Iterator[Call[list[OneOfMany | ProblemBody]]]:
    """`POST /predict/batch` with texts as lines of NDJSON, as many requests as they need."""
    for chunk in _chunks(texts, max_texts=500):
        content = "".join(json.dumps(text) + "\n" for text in chunk).encode()
        yield Call("POST", "/predict/batch", _scored, content, "application/x-ndjson", asked.params())


def health() -> Call[HealthResponse]:
    """`GET /health`."""
    return Call("GET", "/health", HealthResponse.model_validate_json)


def models() -> Call[list[ModelResponse]]:
    """`GET /models`."""
    return Call("GET", "/models", lambda content: ModelsResponse.model_validate_json(content).models)


def whole_lines(content: bytes) -> tuple[list[bytes], FileSummary]:
    """The lines of an answer in NDJSON, without their ends, and the summary that ends it.

    Raises:
        CutOffError: it is not whole.
    """
    try:
        *lines, last, _ = content.split(b"\n")
        summary = json.loads(last)["summary"]
    except (ValueError, LookupError, TypeError) as error:
        raise CutOffError("The answer ends too early.") from error
    if not summary.get("complete", True):
        raise CutOffError(json.loads(lines[-1])["error"]["detail"] if lines else "Nothing was scored.")
    return lines, FileSummary(summary["scored"], summary["errors"])


def _post(path: str, body: dict[str, Any], parse: Callable[[bytes], Result], asked: Asked) -> Call[Result]:
    return Call("POST", path, parse, json.dumps(body).encode(), params=asked.params())


def _predictions(content: bytes) -> list[OneOfMany]:
    return ManyResponse.model_validate_json(content).predictions


def _scored(content: bytes) -> list[OneOfMany | ProblemBody]:
    fields = [json.loads(line) for line in whole_lines(content)[0]]
    return [
        ProblemBody.model_validate(answer["error"]) if "error" in answer else OneOfMany.model_validate(answer)
        for answer in fields
    ]


def _chunks(texts: Iterable[str], max_texts: int = MAX_TEXTS) -> Iterator[Sequence[str]]:
    """The texts, so many together that a request takes them; one that is longer than that is alone."""
    chunk: list[str] = []
    chars = 0
    for text in texts:
        if chunk and (len(chunk) == max_texts or chars + len(text) > MAX_CHARS):
            yield chunk
            chunk, chars = [], 0
        chunk.append(text)
        chars += len(text)
    if chunk:
        yield chunk
