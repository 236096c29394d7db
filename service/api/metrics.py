"""`GET /metrics`: the metrics for Prometheus."""

from starlette.requests import Request
from starlette.responses import Response

from service.api.openapi import documented
from service.api.state import state_of
from service.metrics import CONTENT_TYPE


@documented(
    "What the service counts and times, in Prometheus's text format",
    "metrics",
    responses={"200": {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """The sum over all processes of the service, whichever of them answers."""
    return Response(state_of(request).metrics.exposition(), media_type=CONTENT_TYPE)
