"""What is tried again, and when."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

_AGAIN = frozenset({429, 503})
_BROKEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)


@dataclass(frozen=True)
class Retry:
    """Asks again, some time later, where the service had no place or could not be reached.

    All that the client asks for may be computed twice, so a broken connection is a reason as well. An answer that takes
    too long is not: asked again, a service that is slow would become slower.

    Attributes:
        attempts: times that a request is sent at most.
        first_seconds: longest wait before the second time; it doubles each time after that. The wait itself is a random
            part of it, so that many clients do not come back at once.
        most_seconds: longest wait. If the service asks for more (`Retry-After`), the client gives up.
    """

    attempts: int = 5
    first_seconds: float = 0.25
    most_seconds: float = 30.0

    def wait(self, outcome: httpx.Response | httpx.TransportError, sent: int) -> float | None:
        """Seconds until the next attempt; None if there is none.

        Args:
            outcome: of the last one.
            sent: how often the request was sent.
        """
        if sent >= self.attempts:
            return None
        asked = 0.0
        if isinstance(outcome, httpx.Response):
            if outcome.status_code not in _AGAIN:
                return None
            asked = _retry_after(outcome)
        elif not isinstance(outcome, _BROKEN):
            return None
        if asked > self.most_seconds:
            return None
        longest = min(self.most_seconds, self.first_seconds * 2 ** (sent - 1))
        return asked + random.uniform(0, longest)  # noqa: S311 (no secret)


def _retry_after(response: httpx.Response) -> float:
    """Seconds by RFC 9110, section 10.2.3: a number of them, or a date."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
