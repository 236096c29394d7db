"""A route that FastAPI documents and Starlette serves."""

from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import request_response


class DirectRoute(APIRoute):
    """Calls its endpoint with the request and nothing else.

    FastAPI's own way of finding parameters and dependencies costs more than half of what all of HTTP costs here.
    An endpoint on such a route takes only the request, returns a response, and describes its parameters and body
    in `openapi_extra`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = request_response(self.endpoint)
