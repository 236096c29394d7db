"""Routes of fixed paths, found in a dictionary: Starlette's router tries one pattern after the other."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send


class DirectRoutes:
    """ASGI application of the routes that take POST at a path without parameters.

    Their functions are coroutines that answer every error of theirs by raising a `ServiceError`, for
    `RequestMiddleware`: the framework's handling of its own exceptions is left out here.

    Args:
        routes: all routes; those with parameters, and those of other methods, are passed over.
        otherwise: answers everything else.
    """

    def __init__(self, routes: Sequence[BaseRoute], otherwise: ASGIApp) -> None:
        self._routes = {
            route.path: route
            for route in routes
            if isinstance(route, Route) and route.methods == {"POST"} and not route.param_convertors
        }
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond."""
        if scope["type"] == "http" and scope["method"] == "POST" and not scope["root_path"]:
            route = self._routes.get(scope["path"])
            if route:
                scope["route"], scope["endpoint"], scope["path_params"] = route, route.endpoint, {}
                response = await route.endpoint(Request(scope, receive, send))
                await response(scope, receive, send)
                return
        await self._otherwise(scope, receive, send)
