"""The X-Forwarded- headers of proxies: the client's address, the scheme, the host, and the removed path prefix."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.settings import SettingsError

Network = IPv4Network | IPv6Network

_ORIGIN = re.compile(rb"^https?://[^/]*")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")


class ForwardedMiddleware:
    """ASGI middleware that replaces address, scheme and host of the connection by those that a trusted proxy reports.

    Args:
        app: the application.
        root_path: prefix of the service's addresses as clients see them; a proxy may remove it or not.
        trusted: addresses or networks of proxies whose X-Forwarded- headers count; `*` for all.

    Raises:
        SettingsError: one of them is no address.
    """

    def __init__(self, app: ASGIApp, root_path: str, trusted: Iterable[str]) -> None:
        self._app = app
        self._root_path = root_path
        entries = set(trusted)
        self._trusts_all = "*" in entries
        self._trusted = [_network(entry) for entry in entries - {"*"}]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request."""
        if scope["type"] == "http":
            root_path = self._root_path
            client = scope.get("client")
            if client and self._trusts(client[0]):
                root_path = self._apply(scope, client[0]) or root_path
            if root_path:
                scope["root_path"] = root_path
                if scope["path"] == root_path or scope["path"].startswith(root_path + "/"):
                    scope["path"] = scope["path"][len(root_path) :] or "/"
                send = _redirecting_below(root_path, send)
        await self._app(scope, receive, send)

    def _apply(self, scope: Scope, proxy: str) -> str | None:
        """Change the scope and return the prefix, if the proxy names one."""
        said: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            if name.startswith(b"x-forwarded-"):
                said.setdefault(name, []).extend(part.strip() for part in value.decode("latin-1").split(","))
        addresses = said.get(b"x-forwarded-for", [])
        client = proxy
        for address in reversed(addresses):  # each proxy appends whom it got the request from
            if not _is_address(address):
                break
            client = address
            if not self._trusts(address):
                break
        if addresses:
            scope["client"] = (client, 0)
        scheme = said.get(b"x-forwarded-proto", [""])[-1].lower()
        if scheme in {"http", "https"}:
            scope["scheme"] = scheme
        if host := said.get(b"x-forwarded-host", [""])[-1]:
            scope["headers"] = [
                (name, value) if name != b"host" else (name, host.encode("latin-1")) for name, value in scope["headers"]
            ]
        prefix = said.get(b"x-forwarded-prefix", [""])[-1].rstrip("/")
        return prefix if _PREFIX.fullmatch(prefix) else None

    def _trusts(self, address: str) -> bool:
        if self._trusts_all:
            return True
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self._trusted)


def _redirecting_below(root_path: str, send: Send) -> Send:
    """Put the prefix back into redirects, which name a whole address."""

    async def send_below(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, _ORIGIN.sub(rb"\g<0>" + root_path.encode(), value) if name == b"location" else value)
                for name, value in message.get("headers", ())
            ]
        await send(message)

    return send_below


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _network(entry: str) -> Network:
    try:
        return ip_network(entry, strict=False)
    except ValueError as error:
        raise SettingsError(f"SENTIMENT_TRUSTED_PROXIES: {entry!r} is neither an address nor a network.") from error
