"""`GET /models`: what is loaded and how good it was measured to be."""

from typing import Any

from fastapi import APIRouter, Request

from service.api.schemas import ModelsResponse
from service.inference.predictor import Predictor
from service.state import State, state_of

router = APIRouter(tags=["models"])


@router.get("/models", summary="Every loaded model version", response_model=ModelsResponse)
async def models(request: Request) -> dict[str, Any]:
    """Versions in rising order, each with its recipe and its measured quality."""
    state = state_of(request)
    return {"models": [_description(state, predictor) for predictor in state.registry]}


@router.get("/models/{name}", summary="Every loaded version of one model", response_model=ModelsResponse)
async def model(request: Request, name: str) -> dict[str, Any]:
    """As `/models`, for one name."""
    state = state_of(request)
    return {"models": [_description(state, predictor) for predictor in state.registry.versions(name)]}


def _description(state: State, predictor: Predictor) -> dict[str, Any]:
    manifest = predictor.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "default": predictor is state.registry.default,
        "description": manifest.description,
        "language": manifest.language,
        "counts": manifest.tokenizer.counted,
        "precision": predictor.precision,
        "precision_metrics": manifest.graphs[predictor.precision].metrics,
        "labels": manifest.labels,
        "threshold": manifest.threshold,
        "maxlen": manifest.input.maxlen,
        "layers": predictor.first_layer is not None,
        "num_words": manifest.tokenizer.num_words,
        "metrics": manifest.metrics,
        "recipe": manifest.recipe,
    }
