"""`GET /metrics`: for Prometheus."""

from fastapi import APIRouter, Request, Response

from service.metrics import CONTENT_TYPE
from service.state import state_of

router = APIRouter(tags=["metrics"])


@router.get(
    "/metrics",
    summary="What the service counts and times, in Prometheus's text format",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """The sum over all processes of the service, whichever of them answers."""
    return Response(state_of(request).metrics.exposition(), media_type=CONTENT_TYPE)
