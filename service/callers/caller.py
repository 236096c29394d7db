"""The caller of a request, and its quotas."""

import asyncio
from hashlib import sha256
from math import ceil
from pathlib import Path

from service.callers.key_file import ApiKey
from service.callers.quota import Quota
from service.errors import QuotaError

MAX_PAUSE_SECONDS = 5.0
"""A file over its quota asks again after this time at the latest, as the quota may have changed."""


class Caller:
    """Whoever has an API key.

    Args:
        key: the key, with its limits.
        quotas: folder of the files of quotas, which all processes share.
    """

    def __init__(self, key: ApiKey, quotas: Path) -> None:
        self.name = key.name
        self.urgency = key.urgency
        # Keys of one name, such as the old and the new one, share its quotas.
        identity = sha256(key.name.encode() or key.digest).hexdigest()
        self._requests = _quota(quotas / f"{identity}.requests", key.requests_per_second)
        self._texts = _quota(quotas / f"{identity}.texts", key.texts_per_second)
        self._rates = {"requests": key.requests_per_second, "texts": key.texts_per_second}

    def take_request(self) -> None:
        """Count a request.

        Raises:
            QuotaError: there were too many.
        """
        if self._requests and (wait := self._requests.take(1)):
            raise self._over("requests", wait)

    def take_texts(self, number: int) -> None:
        """Count the texts of a request.

        Raises:
            QuotaError: there were too many before them.
        """
        if self._texts and (wait := self._texts.take(number)):
            raise self._over("texts", wait)

    async def wait_for_texts(self, number: int) -> None:
        """Count the texts of a part of a file, once its turn has come: a file is slowed down and not refused."""
        while self._texts and (wait := self._texts.take(number)):  # noqa: ASYNC110 (processes share the quota)
            await asyncio.sleep(min(wait, MAX_PAUSE_SECONDS))

    def _over(self, what: str, wait: float) -> QuotaError:
        seconds = ceil(wait)
        return QuotaError(
            f"{self.name} may send {self._rates[what]:g} {what} a second; ask again in {seconds} seconds.", seconds
        )


def _quota(path: Path, per_second: float | None) -> Quota | None:
    return None if per_second is None else Quota(path, per_second)
