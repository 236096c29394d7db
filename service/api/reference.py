"""`GET /docs`: the OpenAPI document as a page to try the routes, without content of other origins."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.api.health import HEALTH_ROUTES
from service.api.page import Asset, is_page

OPENAPI_PATH = "/openapi.json"

_PREFIX = "/docs/"
_SWAGGER = ("swagger-ui.css", "swagger-ui-bundle.js")  # Apache-2.0, as the package fastapi-offline brings it
_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer KEY"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sentiment service: the interface</title>
<link rel="icon" href="page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
"""
_START = b"""SwaggerUIBundle({
  url: new URL("openapi.json", location.href).href,
  dom_id: "#reference",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
});
"""


def is_reference(path: str) -> bool:
    """Tell whether a path is this page, one of its files or the document: they hold no data and need no key."""
    return path in ("/docs", OPENAPI_PATH) or path.startswith(_PREFIX)


def with_keys(document: dict[str, Any]) -> dict[str, Any]:
    """Add to the OpenAPI document how to send an API key, and which routes need none."""
    paths = {
        path: {
            method: {**each, "security": []} if path in HEALTH_ROUTES or is_page(method.upper(), path) else each
            for method, each in operations.items()
        }
        for path, operations in document["paths"].items()
    }
    components = {**document["components"], "securitySchemes": _SECURITY_SCHEMES}
    security: list[dict[str, list[str]]] = [{name: []} for name in _SECURITY_SCHEMES]
    return {**document, "paths": paths, "components": components, "security": security}


def reference_routes() -> list[Route]:
    """Make the routes of the page, whose files are read once, now."""
    folder = _package("fastapi_offline") / "static"
    page = Asset.of(_PAGE, ".html", _SECURITY_POLICY)
    assets = {
        "start.js": Asset.of(_START, ".js"),
        **{name: Asset.of((folder / name).read_bytes(), name[name.rindex(".") :]) for name in _SWAGGER},
    }

    async def reference(request: Request) -> Response:
        return page.answer(request)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in assets:
            raise HTTPException(404)
        return assets[name].answer(request)

    return [Route("/docs", reference), Route(f"{_PREFIX}{{name}}", file)]


def _package(name: str) -> Path:
    """Locate a package without importing it, which takes a fifth of a second for FastAPI."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"No package named {name!r}", name=name)
    return Path(spec.submodule_search_locations[0])
