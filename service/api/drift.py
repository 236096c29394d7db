"""`GET /models/{name}/drift`: whether the texts are still like those that the model was measured on."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from service.api.openapi import documented
from service.api.schemas import DriftResponse
from service.api.state import state_of
from service.inference.histograms import TextHistograms
from service.inference.predictor import Predictor
from service.monitoring.drift import ENOUGH_TEXTS, Drift, DriftState

_NO_HISTOGRAMS = "its bundle has no reference histograms: python -m training histograms BUNDLE writes them"


@documented("Drift of a model's texts and answers", "models", answer=DriftResponse)
async def drift(request: Request) -> JSONResponse:
    """Compare the texts of about the last hour, of all processes, with held-out ones, for each version.

    The population stability index of a feature is below 0.1 where nothing has changed that matters, and above 0.25
    where much has. It is null before a window has enough texts, and where the bundle has nothing to compare with.
    """
    state = state_of(request)
    versions = state.registry.versions(request.path_params["name"])
    return JSONResponse(
        {"enough_texts": ENOUGH_TEXTS, "versions": [_version(state.drift, predictor) for predictor in versions]}
    )


def _version(drift: Drift, predictor: Predictor) -> dict[str, Any]:
    histograms, state = predictor.manifest.histograms, drift.total(predictor)
    about: dict[str, Any] = {"version": predictor.name.version}
    if histograms is None or state is None:
        return {**about, "texts": None, "since": None, "reference": None, "features": None, "reason": _NO_HISTOGRAMS}
    return {
        **about,
        "texts": state.texts,
        "since": state.began and datetime.fromtimestamp(state.began, UTC).isoformat(timespec="seconds"),
        "reference": {"source": histograms.source, "texts": histograms.texts},
        "features": _features(histograms, state),
        "reason": None if state.indices else f"it has {state.texts:,} texts; {ENOUGH_TEXTS:,} are enough",
    }


def _features(histograms: TextHistograms, state: DriftState) -> dict[str, Any]:
    return {
        name: {
            "index": state.indices.get(name),
            "bounds": histogram.bounds,
            "expected": [count / histograms.texts for count in histogram.counts],
            "observed": [int(count) / state.texts for count in state.counts[name]] if state.texts else None,
        }
        for name, histogram in histograms.features().items()
    }
