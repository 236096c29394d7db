"""The table of problems: the RFC 9457 problem details of each error."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

from service import errors

MEDIA_TYPE = "application/problem+json"


class ProblemResponse(JSONResponse):
    """A JSON response with the media type of problems."""

    media_type = MEDIA_TYPE


@dataclass(frozen=True)
class Problem:
    """A kind of problem: `type` (a path that answers with this very entry), title and status."""

    slug: str
    status: HTTPStatus
    title: str

    @property
    def type(self) -> str:
        """RFC 9457's problem type, a URI reference."""
        return f"/problems/{self.slug}"

    def body(self, detail: str, **extensions: Any) -> dict[str, Any]:
        """Make the problem detail object.

        Args:
            detail: the message of the error.
            extensions: further members; those that are None are left out.
        """
        return {
            "type": self.type,
            "title": self.title,
            "status": int(self.status),
            "detail": detail,
            **{name: value for name, value in extensions.items() if value is not None},
        }


PROBLEMS: dict[type[errors.ServiceError], Problem] = {
    errors.NoBodyError: Problem("no-body", HTTPStatus.BAD_REQUEST, "The request has no body"),
    errors.BrokenJsonError: Problem("broken-json", HTTPStatus.BAD_REQUEST, "The body is not JSON"),
    errors.InvalidRequestError: Problem(
        "invalid-request", HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not what this route takes"
    ),
    errors.BlankTextError: Problem("blank-text", HTTPStatus.UNPROCESSABLE_ENTITY, "A text is blank"),
    errors.InvalidTextError: Problem(
        "invalid-text", HTTPStatus.UNPROCESSABLE_ENTITY, "A text holds something that is no character"
    ),
    errors.TextTooLongError: Problem("text-too-long", HTTPStatus.UNPROCESSABLE_ENTITY, "A text is too long"),
    errors.TooManyTextsError: Problem("too-many-texts", HTTPStatus.UNPROCESSABLE_ENTITY, "There are too many texts"),
    errors.InvalidHostError: Problem("invalid-host", HTTPStatus.BAD_REQUEST, "The request names no host, or several"),
    errors.UnknownHostError: Problem(
        "unknown-host", HTTPStatus.MISDIRECTED_REQUEST, "The service does not answer to this name"
    ),
    errors.CrossOriginError: Problem("cross-origin", HTTPStatus.FORBIDDEN, "Pages of this origin may not ask"),
    errors.RepositoryControlError: Problem(
        "repository-control", HTTPStatus.FORBIDDEN, "Models are not loaded and unloaded over HTTP here"
    ),
    errors.UnauthorizedError: Problem("unauthorized", HTTPStatus.UNAUTHORIZED, "An API key is needed"),
    errors.QuotaError: Problem("quota", HTTPStatus.TOO_MANY_REQUESTS, "The key's quota is used up"),
    errors.HeadersTooLargeError: Problem(
        "headers-too-large", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large"
    ),
    errors.SlowBodyError: Problem("slow-body", HTTPStatus.REQUEST_TIMEOUT, "The request came in too slowly"),
    errors.BodyTooLargeError: Problem("body-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"),
    errors.LineTooLongError: Problem("line-too-long", HTTPStatus.UNPROCESSABLE_ENTITY, "A line is too long"),
    errors.BrokenGzipError: Problem("broken-gzip", HTTPStatus.BAD_REQUEST, "The data is not gzip"),
    errors.StalledError: Problem("stalled", HTTPStatus.REQUEST_TIMEOUT, "Nothing came for too long"),
    errors.ContentEncodingError: Problem(
        "content-encoding", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is encoded in a way that is not read here"
    ),
    errors.MediaTypeError: Problem(
        "media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body has a media type that is not read here"
    ),
    errors.ModelNotFoundError: Problem("model-not-found", HTTPStatus.NOT_FOUND, "There is no such model"),
    errors.NoLayersError: Problem("no-layers", HTTPStatus.NOT_FOUND, "The model does not describe its layers"),
    errors.BundleError: Problem("broken-bundle", HTTPStatus.CONFLICT, "A bundle cannot be used"),
    errors.DefaultModelError: Problem("default-model", HTTPStatus.CONFLICT, "The default model cannot be unloaded"),
    errors.FeedbackOffError: Problem("feedback-off", HTTPStatus.CONFLICT, "Feedback is not kept here"),
    errors.AnswerNotFoundError: Problem("answer-not-found", HTTPStatus.NOT_FOUND, "There is no such answer"),
    errors.ProblemNotFoundError: Problem("problem-not-found", HTTPStatus.NOT_FOUND, "There is no such kind of problem"),
    errors.FeedbackUnavailableError: Problem(
        "feedback-unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "Feedback cannot be kept now"
    ),
    errors.OverloadedError: Problem("overloaded", HTTPStatus.SERVICE_UNAVAILABLE, "Too much work is waiting"),
    errors.DeadlineError: Problem("deadline", HTTPStatus.GATEWAY_TIMEOUT, "The answer took too long"),
    errors.ShuttingDownError: Problem("shutting-down", HTTPStatus.SERVICE_UNAVAILABLE, "The service is shutting down"),
}
"""Errors that a request can meet. Each class of the error tree is here or never crosses the wire."""

ROUTE_NOT_FOUND = Problem("route-not-found", HTTPStatus.NOT_FOUND, "There is no such route")
METHOD_NOT_ALLOWED = Problem("method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, "The route has no such method")
INVALID_HTTP = Problem("invalid-http", HTTPStatus.BAD_REQUEST, "This is not HTTP")
INTERNAL = Problem("internal", HTTPStatus.INTERNAL_SERVER_ERROR, "Something in the service failed")
INTERNAL_DETAIL = "The service failed on this request. Its log has the reason; the request may be sent again."

BY_SLUG = {
    problem.slug: problem
    for problem in (*PROBLEMS.values(), ROUTE_NOT_FOUND, METHOD_NOT_ALLOWED, INVALID_HTTP, INTERNAL)
}

_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.REQUEST_TIMEOUT: {"Connection": "close"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "1"},
}


def slug_of(error: errors.ServiceError) -> str:
    """Return the short name of an error's problem."""
    return PROBLEMS.get(type(error), INTERNAL).slug


def problem_response(error: errors.ServiceError) -> ProblemResponse:
    """Make the response to an error; an error without a row in the table is an internal one."""
    problem = PROBLEMS.get(type(error))
    if problem is None:
        return internal_response()
    body = problem.body(str(error), pointer=getattr(error, "pointer", None))
    headers = _HEADERS.get(problem.status)
    if isinstance(error, errors.QuotaError):
        headers = {"Retry-After": str(error.retry_after_seconds)}
    return ProblemResponse(body, problem.status, headers)


def problem_fields(error: Exception) -> dict[str, Any]:
    """Make the problem detail object of an error within an answer, such as that of a line of a file."""
    problem = PROBLEMS.get(type(error)) if isinstance(error, errors.ServiceError) else None
    if problem is None:
        return INTERNAL.body(INTERNAL_DETAIL)
    return problem.body(str(error), pointer=getattr(error, "pointer", None))


def internal_response() -> ProblemResponse:
    """Make the response to a bug, which discloses nothing of its cause."""
    return ProblemResponse(INTERNAL.body(INTERNAL_DETAIL), INTERNAL.status)
