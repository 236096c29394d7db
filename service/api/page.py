"""`GET /`: the page for people, and its files. They hold no data: what the page shows, it asks the other routes for."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.api.openapi import documented

FOLDER = Path(__file__).parents[1] / "page"

_PREFIX = "/page/"
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
# No content of other origins, no inline scripts or styles, no frames.
_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-cache",  # kept, but asked for again: the names do not change when the files do
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Asset:
    """A file of a page, with its headers."""

    content: bytes
    media_type: str
    etag: str
    security_policy: str

    @classmethod
    def of(cls, content: bytes, suffix: str, security_policy: str = _SECURITY_POLICY) -> "Asset":
        """Make an asset of the content of a file and the suffix of its name."""
        return cls(content, _MEDIA_TYPES[suffix], f'"{sha256(content).hexdigest()[:32]}"', security_policy)

    def answer(self, request: Request) -> Response:
        """Answer with the file, or that the browser has it already (RFC 9110, section 13.1.2)."""
        headers = {**_HEADERS, "Content-Security-Policy": self.security_policy, "ETag": self.etag}
        known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        if self.etag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def is_page(method: str, path: str) -> bool:
    """Tell whether a request is for the page or one of its files: these need no key, so that the page can ask for one.

    The method counts: `POST /` is the prediction of another server's interface.
    """
    return method in ("GET", "HEAD") and (path == "/" or path.startswith(_PREFIX))


@cache
def _assets() -> dict[str, Asset]:
    """Read the files of the page, once."""
    return {
        path.name: Asset.of(path.read_bytes(), path.suffix) for path in FOLDER.iterdir() if path.suffix in _MEDIA_TYPES
    }


@documented(
    "The page for people", "page", responses={"200": {"content": {"text/html": {"schema": {"type": "string"}}}}}
)
async def page(request: Request) -> Response:
    """A text, a whole file, and the lecture, in a browser; it needs no key and holds no data."""
    return _assets()["index.html"].answer(request)


async def _file(request: Request) -> Response:
    asset = _assets().get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    return asset.answer(request)


def file_route() -> Route:
    """Make the route of the page's files."""
    return Route(f"{_PREFIX}{{name}}", _file)
