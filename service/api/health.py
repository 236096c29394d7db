"""Health: is the process there, and may it get traffic."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from service.api.asking import model_ref
from service.api.schemas import HealthResponse, LiveResponse
from service.errors import ShuttingDownError
from service.state import state_of

router = APIRouter(tags=["health"])

_NOT_READY: dict[int | str, dict[str, Any]] = {503: {"description": "The service is shutting down"}}


@router.get("/health", summary="Ready, and with which model", response_model=HealthResponse, responses=_NOT_READY)
@router.get("/health/ready", summary="Whether traffic may come", response_model=HealthResponse, responses=_NOT_READY)
async def ready(request: Request) -> JSONResponse:
    """The model is loaded and warm before the port opens, so it is ready until it is told to stop."""
    state = state_of(request)
    if state.lifecycle.draining:
        raise ShuttingDownError("The service is shutting down; what it has accepted is still answered.")
    return JSONResponse({"status": "ready", "model": model_ref(state.registry.default)})


@router.get("/health/live", summary="Whether the process answers", response_model=LiveResponse)
async def live(_: Request) -> JSONResponse:
    """Says nothing of the model: a failing answer is a reason to restart the process."""
    return JSONResponse({"status": "live"})
