"""One call from its first attempt to its result or error, without the sending itself."""

from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic

import httpx
from pydantic import ValidationError

from service.client.calls import Call, CutOffError, Result, new_request_id
from service.client.errors import ClientError, beginning, invalid_answer, not_reached, problem_error
from service.client.retry import Retry


@dataclass(frozen=True)
class Wait:
    """The call is to be sent again after these seconds."""

    seconds: float


class Exchange(Generic[Result]):
    """The attempts of one call.

    Args:
        call: what is asked for.
        retry: which outcomes lead to another attempt.
        request_id: of every attempt; None for a new one.
    """

    def __init__(self, call: Call[Result], retry: Retry, request_id: str | None = None) -> None:
        self._call = call
        self._retry = retry
        self._request_id = request_id or new_request_id()
        self._began = monotonic()
        self._sent = 0

    def arguments(self) -> dict[str, Any]:
        """Build the arguments of httpx's `request` for the next attempt."""
        self._sent += 1
        return self._call.arguments(self._request_id)

    def read(self, outcome: httpx.Response | httpx.RequestError) -> Result | Wait:
        """Make the result of an attempt's outcome, or say when to send again.

        Raises:
            ClientError: there is neither.
        """
        error: ClientError
        if isinstance(outcome, httpx.DecodingError):  # broken gzip
            raise invalid_answer(f"{str(outcome).rstrip('.')}.", 200, self._request_id) from outcome
        if isinstance(outcome, httpx.RequestError):
            error = not_reached(outcome, self._request_id)
        elif outcome.is_success:
            try:
                return self._parse(outcome)
            except CutOffError as cut:
                outcome = httpx.RemoteProtocolError(str(cut))
                error = not_reached(outcome, self._request_id)
        else:
            error = problem_error(outcome, self._request_id, self._call.first_text)
        seconds = self._retry.wait(outcome, self._sent, monotonic() - self._began)
        if seconds is None:
            raise error
        return Wait(seconds)

    def _parse(self, response: httpx.Response) -> Result:
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if media_type and media_type not in self._call.accepts:
                raise ValueError(f"it is {media_type}, {beginning(response.content)}")
            return self._call.parse(response.content)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            reason = f"it is {beginning(response.content)}" if isinstance(error, ValidationError) else str(error)
            raise invalid_answer(reason, response.status_code, self._request_id) from error
