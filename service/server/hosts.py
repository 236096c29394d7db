"""The host names that the service answers to, and the origins of pages that may call it from a browser.

Without API keys, every client that reaches the service may use it: also a page on the Web, through the browser of the
person who runs the service, directly or by a name that resolves to 127.0.0.1 (DNS rebinding). So the host must have a
local name, and the page must come from the service itself.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from service.errors import CrossOriginError, InvalidHostError, UnknownHostError
from service.settings import Settings

_HOST = re.compile(rb"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

Headers = list[tuple[bytes, bytes]]


class HostPolicy:
    """Check the headers Host and Origin.

    Args:
        settings: allowed names and origins, and whether keys are needed.
    """

    def __init__(self, settings: Settings) -> None:
        self._keyed = settings.keyed
        self._names = {"localhost", *settings.names_of_hosts}
        self._any_name = "*" in self._names or (self._keyed and settings.allowed_hosts is None)
        self._origins = settings.origins
        self._known: set[bytes] = set()  # hosts that passed, few in number

    def check(self, fields: Headers, headers: Mapping[bytes, bytes], http_version: str, public: bool) -> None:
        """Check the host and the origin of a request.

        Args:
            fields: all header fields.
            headers: the same by name.
            http_version: such as 1.1.
            public: whether the request is for health, which is public.

        Raises:
            InvalidHostError: there is no Host header, more than one, or one that is no host.
            UnknownHostError: the host is not one of the service's names.
            CrossOriginError: a page of another origin sent the request.
        """
        host = headers.get(b"host")
        if host is None:
            if http_version == "1.0":
                return
            raise InvalidHostError("There is no Host header; HTTP/1.1 needs one.")
        if len(fields) > len(headers) and sum(name == b"host" for name, _ in fields) > 1:
            raise InvalidHostError("There are several Host headers; there must be one.")
        if host not in self._known:
            name = _name(host)
            if not public and not self._allowed(name):
                raise UnknownHostError(
                    f"This service does not answer to {name!r}: without API keys it answers to localhost, to addresses "
                    "such as 127.0.0.1, and to the names in SENTIMENT_ALLOWED_HOSTS. Start it with "
                    f"--allowed-hosts {name}, or, if that is the name of an upstream of nginx, add to nginx: "
                    "proxy_set_header Host $host;"
                )
            if len(self._known) < 100 and self._allowed(name):
                self._known.add(host)
        if not (self._keyed or public) and (b"origin" in headers or b"sec-fetch-site" in headers):
            self._check_origin(host, headers)

    def _allowed(self, name: str) -> bool:
        if self._any_name or name in self._names or name.endswith(".localhost"):
            return True
        if any(entry.startswith(".") and name.endswith(entry) for entry in self._names):
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True  # a page cannot have an address as its name and come from elsewhere

    def _check_origin(self, host: bytes, headers: Mapping[bytes, bytes]) -> None:
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin:
            own = urlsplit(origin).netloc.lower() == host.decode("latin-1").lower()  # of the origin "null" it is empty
            refused = not own and origin not in self._origins and "*" not in self._origins
        else:  # a link may lead here; a picture or a script of another page may not
            refused = headers.get(b"sec-fetch-site") == b"cross-site" and headers.get(b"sec-fetch-mode") != b"navigate"
        if refused:
            raise CrossOriginError(
                f"A page of another origin ({origin or 'unknown'}) asks; SENTIMENT_CORS_ORIGINS names those that may."
            )


def _name(host: bytes) -> str:
    """Return the host without its port.

    Raises:
        InvalidHostError: it is none.
    """
    found = _HOST.fullmatch(host)
    if not found:
        raise InvalidHostError(f"The Host header is {host[:100]!r}; it should be a name such as localhost:8000.")
    return found[1].decode().strip("[]").rstrip(".").lower()
