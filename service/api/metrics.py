"""`GET /metrics`: the metrics for Prometheus."""

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response

from service.api.openapi import documented
from service.api.state import state_of
from service.errors import FeedbackUnavailableError
from service.metrics import CONTENT_TYPE


@documented(
    "What the service counts and times, in Prometheus's text format",
    "metrics",
    responses={"200": {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """The sum over all processes of the service, whichever of them answers."""
    state = state_of(request)
    if state.feedback:
        with suppress(FeedbackUnavailableError):  # the figures that were read last stand
            await state.feedback.refresh()
    return Response(state.metrics.exposition(), media_type=CONTENT_TYPE)
