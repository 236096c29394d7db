"""Routes at which a platform, such as Vertex AI, asks a container for its health and for predictions."""

from starlette.types import ASGIApp, Receive, Scope, Send

from service.settings import Settings

HEALTH, PREDICT = "/health/ready", "/invocations"


class PlatformRoutesMiddleware:
    """ASGI middleware that leads the routes that a platform has chosen to those of the service.

    Args:
        app: everything else: keys, limits and metrics apply to the route that is led to.
        settings: with the platform's routes.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        chosen = {settings.health_route: HEALTH, settings.predict_route: PREDICT}
        self._paths = {path: own for path, own in chosen.items() if path}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request."""
        if scope["type"] == "http" and (own := self._paths.get(scope["path"])):
            scope = {**scope, "path": own, "raw_path": own.encode()}
        await self._app(scope, receive, send)
