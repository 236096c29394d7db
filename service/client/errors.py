"""What a client raises: the problems of the service (RFC 9457), by what the caller can do about them."""

import json
import re

import httpx
from pydantic import ValidationError

from service.api.schemas import ProblemBody


class ClientError(Exception):
    """Base of every error below.

    Args:
        message: one line for a person.
        request_id: `X-Request-ID` of the request, by which the service's log has it.
    """

    def __init__(self, message: str, request_id: str) -> None:
        super().__init__(message)
        self.request_id = request_id


class NotReachedError(ClientError):
    """There was no answer: no connection, or it broke, or it took too long. `__cause__` has httpx's error."""


class ProblemError(ClientError):
    """The service answered with a problem, or with something that is no answer of it.

    Args:
        problem: its members, all of them attributes here.
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
    """The API key is missing or not good (401)."""


class NotFoundError(RefusedError):
    """There is no such model or version (404)."""


class UnavailableError(ProblemError):
    """The service cannot answer now (429, 503, 504), and could not when it was asked again."""


class ServerError(ProblemError):
    """Something in the service failed (other 5xx)."""


def error_of(outcome: httpx.Response | httpx.TransportError, request_id: str, first_text: int) -> ClientError:
    """The error for what became of a request, if it was no success; see `problem_error`."""
    if isinstance(outcome, httpx.Response):
        return problem_error(outcome, request_id, first_text)
    reason = str(outcome) or type(outcome).__name__
    try:
        asked = f" of {outcome.request.url.copy_with(query=None)}"
    except RuntimeError:
        asked = ""
    error = NotReachedError(f"There is no answer{asked}: {reason.rstrip('.')}.", request_id)
    error.__cause__ = outcome
    return error


def problem_error(response: httpx.Response, request_id: str, first_text: int) -> ProblemError:
    """The error for an answer that is none of success.

    Args:
        response: with its content read.
        request_id: of the request.
        first_text: position of the first text among all that the caller gave; pointers are counted from there.
    """
    try:
        problem = ProblemBody.model_validate_json(response.content)
    except ValidationError:  # something between the two has answered
        title = f"The answer is {response.status_code} {response.reason_phrase}".rstrip()
        problem = ProblemBody(
            type="about:blank", title=title, status=response.status_code, detail=_beginning(response.text)
        )
    if first_text and problem.pointer:
        pointer = re.sub(r"^/texts/(\d+)", lambda found: f"/texts/{int(found[1]) + first_text}", problem.pointer)
        problem = problem.model_copy(update={"pointer": pointer})
    return _class_for(response.status_code)(problem, request_id)


def _class_for(status: int) -> type[ProblemError]:
    by_status = {
        401: UnauthorizedError,
        404: NotFoundError,
        429: UnavailableError,
        503: UnavailableError,
        504: UnavailableError,
    }
    return by_status.get(status) or (RefusedError if 400 <= status < 500 else ServerError)


def _beginning(text: str) -> str:
    return json.dumps(text[:200], ensure_ascii=False) if text else "it is empty."
