"""Routes that FastAPI documents and Starlette serves."""

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route


def include_direct(app: FastAPI, router: APIRouter) -> None:
    """Includes a router for the document, and puts Starlette's own routes to its endpoints before it.

    FastAPI's way of finding parameters and dependencies costs about as much as all the rest of HTTP. An endpoint of
    such a router takes only the request, returns a response, and describes its parameters and body in
    `openapi_extra`.
    """
    app.include_router(router)
    direct = []
    for route in router.routes:
        assert isinstance(route, APIRoute)
        direct.append(Route(route.path, route.endpoint, methods=sorted(route.methods or ())))
    app.router.routes[:0] = direct
