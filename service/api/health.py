"""`GET /health`: liveness of the process and readiness for traffic."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from service.api.openapi import documented
from service.api.responses import model_ref
from service.api.schemas import HealthResponse, LiveResponse
from service.api.state import state_of
from service.errors import ShuttingDownError

HEALTH_ROUTES = frozenset({"/health", "/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/ping"})
"""Routes that need no key, and are answered under any load."""


@documented(
    "Whether traffic may come, and which model answers",
    "health",
    answer=HealthResponse,
    responses={"503": {"description": "The service is shutting down"}},
)
async def ready(request: Request) -> JSONResponse:
    """The model is loaded and warm before the port opens, so it is ready until it is told to stop."""
    state = state_of(request)
    if state.lifecycle.draining:
        raise ShuttingDownError("The service is shutting down; what it has accepted is still answered.")
    return JSONResponse({"status": "ready", "model": model_ref(state.registry.default)})


@documented("Whether the process answers", "health", answer=LiveResponse)
async def live(_: Request) -> JSONResponse:
    """Says nothing of the model: a failing answer is a reason to restart the process."""
    return JSONResponse({"status": "live"})
