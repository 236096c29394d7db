"""The rule by which requests are sent again."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

_AGAIN = frozenset({429, 502, 503})
"""Too many requests; a proxy that does not reach the service, as during its restart; no capacity."""

_BROKEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)


@dataclass(frozen=True)
class Retry:
    """Send a request again, some time later, where the service had no capacity or was not reached.

    All that the client asks for may be computed twice, so a broken connection is a reason as well. An answer that takes
    too long is not: asked again, a slow service would become slower.

    Attributes:
        patience_seconds: time after the first attempt within which the last one begins: long enough for a restart of
            the service.
        attempts: times that a request is sent at most; None: as often as `patience_seconds` allows.
        first_seconds: longest wait before the second attempt; it doubles each time after that. The wait itself is a
            random part of it, so that many clients do not come back at once.
        most_seconds: longest wait. If the service asks for more (`Retry-After`), the client gives up.
    """

    attempts: int | None = None
    first_seconds: float = 0.25
    most_seconds: float = 30.0
    patience_seconds: float = 60.0

    def wait(self, outcome: httpx.Response | httpx.RequestError, sent: int, elapsed_seconds: float) -> float | None:
        """Choose the seconds until the next attempt; None if there is none.

        Args:
            outcome: of the last attempt.
            sent: attempts so far.
            elapsed_seconds: time since the first of them.
        """
        remaining = self.patience_seconds - elapsed_seconds
        if remaining <= 0 or (self.attempts is not None and sent >= self.attempts):
            return None
        asked = 0.0
        if isinstance(outcome, httpx.Response):
            if outcome.status_code not in _AGAIN:
                return None
            asked = _retry_after(outcome)
        elif not isinstance(outcome, _BROKEN):
            return None
        if asked > min(self.most_seconds, remaining):
            return None
        longest = min(self.most_seconds, self.first_seconds * 2 ** min(sent - 1, 30))
        return min(asked + random.uniform(0, longest), remaining)  # noqa: S311 (no secret)


def _retry_after(response: httpx.Response) -> float:
    """Read the seconds by RFC 9110, section 10.2.3: a number of them, or a date; 0 if it is neither."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):  # no date, or one that no calendar has
        return 0.0
