"""`GET /`: the page for people, and its files. They hold no data: what the page shows, it asks the other routes for."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).parents[1] / "page"

_PREFIX = "/page/"
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    "Cache-Control": "no-cache",  # kept, but asked for again: the names do not change when the files do
    # Nothing from elsewhere, nothing inline, and nobody puts it in a frame.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Asset:
    """A file of the page, as it is answered."""

    content: bytes
    media_type: str
    etag: str

    @classmethod
    def read(cls, path: Path) -> "Asset":
        """The file in the folder."""
        content = path.read_bytes()
        return cls(content, _MEDIA_TYPES[path.suffix], f'"{sha256(content).hexdigest()[:32]}"')

    def answer(self, request: Request) -> Response:
        """The file, or that the browser has it already (RFC 9110, section 13.1.2)."""
        headers = {**_HEADERS, "ETag": self.etag}
        known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        if self.etag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def is_page(path: str) -> bool:
    """Whether a path is the page or one of its files: these need no key, so that the page can ask for one."""
    return path == "/" or path.startswith(_PREFIX)


def page_router() -> APIRouter:
    """The routes of the page, whose files are read once, now."""
    assets = {path.name: Asset.read(path) for path in FOLDER.iterdir() if path.suffix in _MEDIA_TYPES}
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def page(request: Request) -> Response:
        return assets["index.html"].answer(request)

    @router.api_route(f"{_PREFIX}{{name}}", methods=["GET", "HEAD"])
    async def file(request: Request, name: str) -> Response:
        if name not in assets:
            raise HTTPException(404)
        return assets[name].answer(request)

    return router
