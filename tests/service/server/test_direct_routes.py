"""Routes that are found by their path: the same answers as by way of the router, and everything else left to it."""

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service.server.direct_routes import DirectRoutes


async def told(request: Request) -> Response:
    """Tells what the scope has for middleware and metrics."""
    return PlainTextResponse(f"{request.scope['route'].path} {request.path_params}")


async def otherwise(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("otherwise")(scope, receive, send)


ROUTES = [
    Route("/fixed", told, methods=["POST"]),
    Route("/fixed/{name}", told, methods=["POST"]),
    Route("/read", told),
]


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("POST", "/fixed", "/fixed {}"),
        ("POST", "/fixed/", "otherwise"),
        ("POST", "/fixed/1", "otherwise"),
        ("POST", "/fixed/{name}", "otherwise"),
        ("GET", "/fixed", "otherwise"),
        ("GET", "/read", "otherwise"),
        ("POST", "/none", "otherwise"),
    ],
)
def test_only_a_fixed_path_and_its_method_are_direct(method: str, path: str, answer: str) -> None:
    assert TestClient(DirectRoutes(ROUTES, otherwise)).request(method, path).text == answer


def test_below_the_prefix_of_a_proxy_the_router_decides() -> None:
    assert TestClient(DirectRoutes(ROUTES, otherwise), root_path="/prefix").post("/fixed").text == "otherwise"
