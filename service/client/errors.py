"""The exceptions of the client: the problems of the service (RFC 9457), by what the caller can do about them."""

import json
import re
from collections.abc import Sequence
from typing import Any

import httpx
from pydantic import ValidationError

from service.api.schemas import ProblemBody


class ClientError(Exception):
    """Base of every error below. Control characters in the message are escaped, so that it can be printed.

    Args:
        message: one line for a person.
        request_id: `X-Request-ID` of the request, by which the service's log has it.
    """

    def __init__(self, message: str, request_id: str) -> None:
        super().__init__(_escaped(message))
        self.request_id = request_id
        self.answered: Sequence[Any] = ()
        """Predictions of the first texts of `predict_many`; `texts[len(error.answered):]` have none."""


class NotReachedError(ClientError):
    """No answer: no connection, or it broke, or the answer took too long. `__cause__` is the error of httpx."""


class ProblemError(ClientError):
    """The service answered with a problem, or something else answered in its place.

    Args:
        problem: its members, all of them attributes of this error, as they were sent.
        request_id: see `ClientError`.
    """

    def __init__(self, problem: ProblemBody, request_id: str) -> None:
        super().__init__(f"{problem.title}: {problem.detail}", request_id)
        self.type = problem.type
        self.title = problem.title
        self.status = problem.status
        self.detail = problem.detail
        self.pointer = problem.pointer


class RefusedError(ProblemError):
    """The request is not what the service takes (4xx): send something else."""


class UnauthorizedError(RefusedError):
    """The API key is missing or wrong (401)."""


class NotFoundError(RefusedError):
    """There is no such model or version (404)."""


class UnavailableError(ProblemError):
    """The service cannot answer now (429, 503, 504), nor could it when the client tried again."""


class ServerError(ProblemError):
    """Something in the service, or in a proxy before it, failed (other 5xx)."""


class InvalidAnswerError(ProblemError):
    """The answer is none of this service: a redirect, a web page, broken compression, JSON of another kind."""


def not_reached(error: httpx.RequestError, request_id: str) -> NotReachedError:
    """Build the error for a request without an answer."""
    reason = str(error) or type(error).__name__
    try:
        asked = f" of {error.request.url.copy_with(query=None)}"
    except RuntimeError:
        asked = ""
    found = NotReachedError(f"There is no answer{asked}: {reason.rstrip('.')}.", request_id)
    found.__cause__ = error
    return found


def invalid_answer(reason: str, status: int, request_id: str) -> InvalidAnswerError:
    """Build the error for an answer that cannot be read.

    Args:
        reason: what is wrong with it, a sentence.
        status: of the answer.
        request_id: of the request.
    """
    title = "The answer is not one of this service"
    return InvalidAnswerError(ProblemBody(type="about:blank", title=title, status=status, detail=reason), request_id)


def problem_error(response: httpx.Response, request_id: str, first_text: int) -> ProblemError:
    """Build the error for an answer without success.

    Args:
        response: with its content read.
        request_id: of the request.
        first_text: position of the request's first text among all texts of the caller; pointers count from there.
    """
    if response.status_code < 400:
        target = response.headers.get("location")
        reason = f"it is {response.status_code} {response.reason_phrase}".rstrip()
        reason += f", to {target}; is the address right?" if target else "."
        return invalid_answer(reason, response.status_code, request_id)
    try:
        problem = ProblemBody.model_validate_json(response.content)
    except ValidationError:  # something between client and service has answered
        title = f"The answer is {response.status_code} {response.reason_phrase}".rstrip()
        problem = ProblemBody(
            type="about:blank", title=title, status=response.status_code, detail=beginning(response.content)
        )
    if first_text and problem.pointer:
        pointer = re.sub(r"^/texts/(\d{1,18})", lambda found: f"/texts/{int(found[1]) + first_text}", problem.pointer)
        problem = problem.model_copy(update={"pointer": pointer})
    return _class_for(response.status_code)(problem, request_id)


def beginning(content: bytes) -> str:
    """Quote the first characters of an answer."""
    return json.dumps(content[:200].decode("utf-8", "replace"), ensure_ascii=False) if content else "it is empty."


def _class_for(status: int) -> type[ProblemError]:
    by_status = {
        401: UnauthorizedError,
        404: NotFoundError,
        429: UnavailableError,
        503: UnavailableError,
        504: UnavailableError,
    }
    return by_status.get(status) or (RefusedError if status < 500 else ServerError)


def _escaped(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
