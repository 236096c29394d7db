"""The errors of the service; `problems` maps them to HTTP."""


class ServiceError(Exception):
    """Base of every error below. The message is one line written for the person who meets it."""


class BundleError(ServiceError):
    """A bundle, or the folder of bundles, cannot be used: the service does not start with it, or goes on without it."""


class RequestError(ServiceError):
    """An error in the request, which the caller can correct.

    Args:
        message: description of the fault.
        pointer: place of the fault: a JSON pointer (RFC 6901) into the body, or the name of a header.
    """

    def __init__(self, message: str, pointer: str | None = None) -> None:
        super().__init__(message)
        self.pointer = pointer


class NoBodyError(RequestError):
    """The request has no body where one is needed."""


class BrokenJsonError(RequestError):
    """The body is not JSON in UTF-8."""


class InvalidRequestError(RequestError):
    """The body is JSON, the query is well formed, but their content is not what the route takes."""


class BlankTextError(RequestError):
    """A text is empty or only white space."""


class InvalidTextError(RequestError):
    """A text holds something that is not a character: NUL or half a surrogate pair."""


class TextTooLongError(RequestError):
    """A text has more characters than the limit."""


class HeadersTooLargeError(RequestError):
    """The request line and headers have more bytes than the limit."""


class SlowBodyError(RequestError):
    """The body did not come in within the time allowed."""


class InvalidHostError(RequestError):
    """The request has no Host header, more than one, or one that names no host."""


class UnknownHostError(RequestError):
    """The request is for a host whose name the service does not answer to."""


class CrossOriginError(RequestError):
    """The request comes from a page of an origin that may not call the service."""


class RepositoryControlError(RequestError):
    """Models cannot be loaded and unloaded over HTTP here."""


class UnauthorizedError(RequestError):
    """An API key is needed, and the request has none that is good."""


class QuotaError(RequestError):
    """A caller sends more than its key may.

    Args:
        message: description of the quota.
        retry_after_seconds: time after which there is room.
    """

    def __init__(self, message: str, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TooManyTextsError(RequestError):
    """A request has more texts than the limit."""


class BodyTooLargeError(RequestError):
    """The body has more bytes than the limit."""


class LineTooLongError(RequestError):
    """A line of a file, or a row, has more bytes than the limit."""


class BrokenGzipError(RequestError):
    """The data is not gzip, or ends too early."""


class StalledError(RequestError):
    """No part of a file arrived within the time allowed."""


class ContentEncodingError(RequestError):
    """The body is encoded in a way that the route does not read."""


class MediaTypeError(RequestError):
    """The body's media type is not one that the route reads."""


class ModelNotFoundError(RequestError):
    """No such model, or no such version of it, is loaded."""


class NoLayersError(RequestError):
    """The model's bundle does not describe its layers."""


class DefaultModelError(RequestError):
    """The model to unload is the default one, which most requests need."""


class FeedbackOffError(RequestError):
    """Feedback is not kept here."""


class AnswerNotFoundError(RequestError):
    """The answer that feedback is about is not, or no longer, remembered."""


class ProblemNotFoundError(RequestError):
    """No kind of problem has the name asked for."""


class UnavailableError(ServiceError):
    """The service cannot answer now, through no fault of the request; later it can."""


class FeedbackUnavailableError(UnavailableError):
    """The database of feedback is locked, full or damaged."""


class OverloadedError(UnavailableError):
    """More work is waiting than the service may accept."""


class DeadlineError(UnavailableError):
    """The answer was not ready within the time allowed."""


class ShuttingDownError(UnavailableError):
    """The service is stopping and takes no new work."""
