"""API keys, as `Authorization: Bearer KEY` or `X-API-Key: KEY`."""

import asyncio
import logging
from hashlib import sha256
from pathlib import Path

from service.callers.caller import Caller
from service.callers.key_file import ApiKey, KeyLineError, parse_keys
from service.errors import UnauthorizedError
from service.replacement import file_stamp
from service.settings import Settings, SettingsError

logger = logging.getLogger("service")


class ApiKeys:
    """The valid keys, of which only hashes are kept, and their callers.

    Args:
        settings: with the keys, and the file of more.
        quotas: folder of the quotas, which all processes share.

    Raises:
        SettingsError: the file cannot be read, or keys are asked for and there is none.
    """

    def __init__(self, settings: Settings, quotas: Path) -> None:
        self._settings = settings
        self._quotas = quotas
        self._seen = settings.api_keys_file and file_stamp(settings.api_keys_file)
        self._callers = self._read()

    async def follow(self) -> None:
        """Read the file again if it has changed since the last call; what cannot be used changes nothing."""
        if self._settings.api_keys_file is None:
            return
        seen = await asyncio.to_thread(file_stamp, self._settings.api_keys_file)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._callers = await asyncio.to_thread(self._read)
        except SettingsError as error:
            logger.error("the keys stay as they were: %s", error)
            return
        logger.info("there are %d API keys now", len(self._callers))

    def check(self, authorization: bytes | None, api_key: bytes | None = None) -> Caller | None:
        """Check the key of a request.

        Args:
            authorization: the header Authorization, which takes precedence.
            api_key: the header X-API-Key.

        Returns:
            Whoever has the key; None where no key is needed.

        Raises:
            UnauthorizedError: there is no key, or it is not valid.
        """
        if not self._callers:
            return None
        if authorization is None and api_key is None:
            raise UnauthorizedError("An API key is needed; with curl: -H 'Authorization: Bearer KEY'")
        scheme, key = b"bearer", api_key or b""
        if authorization is not None:
            scheme, _, key = authorization.partition(b" ")
        # A look-up by hash: the time that it takes tells nothing of a key, as nobody can choose the hash of a guess.
        caller = self._callers.get(sha256(key.strip()).digest())
        if scheme.lower() != b"bearer" or caller is None:
            raise UnauthorizedError("This is not one of the API keys; the header is: Authorization: Bearer KEY")
        return caller

    def _read(self) -> dict[bytes, Caller]:
        """Read the keys of the settings and of the file that they name: callers by the hash of their key."""
        settings, path = self._settings, self._settings.api_keys_file
        listed = settings.api_keys.get_secret_value().split(",") if settings.api_keys else []
        keys = [*_parsed("SENTIMENT_API_KEYS", listed)]
        if path:
            try:
                lines = path.read_text().splitlines()
            except (OSError, ValueError) as error:
                raise SettingsError(f"{path}: the API keys cannot be read: {error}.") from error
            keys += _parsed(str(path), lines)
        if not keys and settings.keyed:
            raise SettingsError("API keys are asked for, but there is none: every line or entry is blank.")
        return {key.digest: Caller(key, self._quotas) for key in keys}


def _parsed(place: str, lines: list[str]) -> list[ApiKey]:
    try:
        return parse_keys(lines)
    except KeyLineError as error:
        raise SettingsError(f"{place}: {error}.") from error
