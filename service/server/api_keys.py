"""Who may ask: API keys, as `Authorization: Bearer KEY`."""

from hashlib import sha256
from hmac import compare_digest
from typing import Self

from service.errors import UnauthorizedError
from service.settings import Settings, SettingsError


class ApiKeys:
    """The keys that are good; only their hashes are kept.

    Args:
        keys: no blank one among them; none at all lets everybody in.
    """

    def __init__(self, keys: list[str]) -> None:
        self._digests = [sha256(key.encode()).digest() for key in keys]

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """The keys of the settings and of the file that they name.

        Raises:
            SettingsError: the file cannot be read, or keys are asked for and there is none.
        """
        keys = settings.api_keys.get_secret_value().split(",") if settings.api_keys else []
        if settings.api_keys_file:
            try:
                lines = settings.api_keys_file.read_text().splitlines()
            except (OSError, ValueError) as error:
                raise SettingsError(f"{settings.api_keys_file}: the API keys cannot be read: {error}.") from error
            keys += [line for line in lines if not line.lstrip().startswith("#")]
        keys = [key.strip() for key in keys if key.strip()]
        if not keys and (settings.api_keys or settings.api_keys_file):
            raise SettingsError("API keys are asked for, but there is none: every line or entry is blank.")
        return cls(keys)

    def check(self, authorization: bytes | None) -> None:
        """Lets a request through by its header, in the same time for every wrong key.

        Raises:
            UnauthorizedError: it has no key, or not one of these.
        """
        if not self._digests:
            return
        if authorization is None:
            raise UnauthorizedError("An API key is needed; with curl: -H 'Authorization: Bearer KEY'")
        scheme, _, key = authorization.partition(b" ")
        digest = sha256(key.strip()).digest()
        matches = [compare_digest(digest, good) for good in self._digests]
        if scheme.lower() != b"bearer" or not any(matches):
            raise UnauthorizedError("This is not one of the API keys; the header is: Authorization: Bearer KEY")
