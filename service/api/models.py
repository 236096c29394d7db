"""`GET /models`: the loaded models and their measured quality."""

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from service.api.openapi import documented
from service.api.schemas import ModelsResponse
from service.api.state import State, state_of
from service.inference.predictor import Predictor


@documented("Every loaded model version", "models", answer=ModelsResponse)
async def models(request: Request) -> JSONResponse:
    """Versions in rising order, each with its recipe and its measured quality."""
    state = state_of(request)
    return _described(state, state.registry)


@documented("Every loaded version of one model", "models", answer=ModelsResponse)
async def model(request: Request) -> JSONResponse:
    """Versions in rising order, as in the answer of `/models`."""
    state = state_of(request)
    return _described(state, state.registry.versions(request.path_params["name"]))


def _described(state: State, predictors: Iterable[Predictor]) -> JSONResponse:
    models = [_description(state, predictor) for predictor in predictors]
    body = {"models": models, "feedback": state.feedback is not None}
    return JSONResponse(ModelsResponse.model_validate(body).model_dump(mode="json"))


def _description(state: State, predictor: Predictor) -> dict[str, Any]:
    manifest = predictor.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "default": predictor is state.registry.default,
        "version_labels": state.registry.labels(predictor),
        "share": state.registry.share(predictor),
        "description": manifest.description,
        "language": manifest.language,
        "counts": manifest.tokenizer.counted,
        "precision": predictor.precision,
        "precision_metrics": manifest.graphs[predictor.precision].metrics,
        "labels": manifest.labels,
        "threshold": manifest.threshold,
        "maxlen": manifest.input.maxlen,
        "layers": bool(manifest.layers),
        "num_words": manifest.tokenizer.num_words,
        "metrics": manifest.metrics,
        "recipe": manifest.recipe,
    }
