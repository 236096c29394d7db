"""Health: is the process there, and may it get traffic."""

from fastapi import APIRouter, Request

from service.api.predict import model_ref
from service.schemas import HealthResponse, LiveResponse
from service.state import state_of

router = APIRouter(tags=["health"])


@router.get("/health", summary="Ready, and with which model", response_model=HealthResponse)
@router.get("/health/ready", summary="Whether traffic may come", response_model=HealthResponse)
async def ready(request: Request) -> dict[str, object]:
    """The model is loaded and warm before the port opens, so whoever gets an answer gets this one."""
    return {"status": "ready", "model": model_ref(state_of(request).registry.default)}


@router.get("/health/live", summary="Whether the process answers", response_model=LiveResponse)
async def live() -> dict[str, str]:
    """Says nothing of the model: a failing answer is a reason to restart the process."""
    return {"status": "live"}
