"""Metadata, health, configuration and statistics of the server and its models."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from service import __version__
from service.api.state import State, state_of
from service.api.v2.answers import (
    LiveStatus,
    ModelConfig,
    ModelMetadata,
    ModelReadyStatus,
    ReadyStatus,
    ServerMetadata,
    Statistics,
)
from service.api.v2.messages import DATATYPES, DEFAULT_OUTPUTS
from service.api.v2.routing import documented_v2, predictor_of, predictors_of
from service.errors import ShuttingDownError
from service.inference.predictor import Predictor
from service.metrics import Metrics

EXTENSIONS = [
    "binary_tensor_data",
    "model_configuration",
    "model_repository",
    "model_repository(unload_dependents)",
    "statistics",
]
PLATFORM = "onnxruntime_onnx"

_OUTPUTS = {output.name: DATATYPES[output.name] for output in DEFAULT_OUTPUTS}


@documented_v2("Name, version and extensions", answer=ServerMetadata)
async def server_metadata(_: Request) -> JSONResponse:
    """The extensions are Triton's; those not named here (shared memory, tracing, logging, …) have no routes."""
    return JSONResponse({"name": "conv1d-sentiment", "version": __version__, "extensions": EXTENSIONS})


@documented_v2("Whether the process answers", answer=LiveStatus)
async def live(_: Request) -> JSONResponse:
    """Stays true while the service stops."""
    return JSONResponse({"live": True})


@documented_v2("Whether requests may come", answer=ReadyStatus)
async def ready(request: Request) -> JSONResponse:
    """An error, 503, while the service stops."""
    _check_ready(state_of(request))
    return JSONResponse({"ready": True})


@documented_v2("Whether requests to a model may come", answer=ModelReadyStatus)
async def model_ready(request: Request) -> JSONResponse:
    """An error, 404, for a model that is not loaded."""
    name = predictor_of(request).manifest.name
    _check_ready(state_of(request))
    return JSONResponse({"name": name, "ready": True})


@documented_v2("What every model did", answer=Statistics)
async def all_statistics(request: Request) -> JSONResponse:
    """Since the service started, of every version."""
    state = state_of(request)
    return _statistics(state, list(state.registry))


@documented_v2("What a model did", answer=Statistics)
async def statistics(request: Request) -> JSONResponse:
    """Since the service started, of one version or of all."""
    return _statistics(state_of(request), predictors_of(request))


@documented_v2("Inputs and outputs of a model", answer=ModelMetadata)
async def model_metadata(request: Request) -> JSONResponse:
    """The outputs `words`, `known_words` (INT32) and `truncated` (BOOL) are there for those who ask for them."""
    name = predictor_of(request).manifest.name
    versions = state_of(request).registry.versions(name)
    return JSONResponse(
        {
            "name": name,
            "versions": [str(predictor.manifest.version) for predictor in versions],
            "platform": PLATFORM,
            "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1, 1]}],
            "outputs": [
                {"name": output.name, "datatype": DATATYPES[output.name], "shape": [-1, 1]}
                for output in DEFAULT_OUTPUTS
            ],
        }
    )


@documented_v2("A model's configuration", answer=ModelConfig)
async def config(request: Request) -> JSONResponse:
    """Triton's model configuration: the input is a batch of texts, each a row of one element."""
    predictor = predictor_of(request)
    manifest = predictor.manifest
    return JSONResponse(
        {
            "name": manifest.name,
            "platform": PLATFORM,
            "backend": "onnxruntime",
            "max_batch_size": state_of(request).settings.max_texts,
            "input": [_tensor_config("text", "BYTES")],
            "output": [_tensor_config(*output) for output in _OUTPUTS.items()],
            "dynamic_batching": {},
            "default_model_filename": manifest.graphs[predictor.precision].file,
            "parameters": {
                "precision": {"string_value": predictor.precision},
                "labels": {"string_value": ",".join(manifest.labels)},
                "threshold": {"string_value": str(manifest.threshold)},
            },
        }
    )


def _check_ready(state: State) -> None:
    if state.lifecycle.draining:
        raise ShuttingDownError("The service is shutting down.")


def _tensor_config(name: str, datatype: str) -> dict[str, Any]:
    data_type = "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"
    return {"name": name, "data_type": data_type, "dims": [1]}


def _statistics(state: State, predictors: list[Predictor]) -> JSONResponse:
    return JSONResponse({"model_stats": [_model_stats(state.metrics, predictor) for predictor in predictors]})


def _model_stats(metrics: Metrics, predictor: Predictor) -> dict[str, Any]:
    """Make the statistics of a model version: a request is a success once it has left the queue."""
    name, version = predictor.manifest.name, predictor.manifest.version
    counted = metrics.model_statistics(name, version)
    total_ns = counted.queue_ns + counted.tokenization_ns + counted.inference_ns
    return {
        "name": name,
        "version": str(version),
        "last_inference": counted.last_inference_ms,
        "inference_count": counted.inference_count,
        "execution_count": counted.execution_count,
        "inference_stats": {
            "success": {"count": counted.queue_count, "ns": total_ns},
            "fail": {"count": counted.failed_count, "ns": 0},
            "queue": {"count": counted.queue_count, "ns": counted.queue_ns},
            "compute_input": {"count": counted.tokenization_count, "ns": counted.tokenization_ns},
            "compute_infer": {"count": counted.inference_batches, "ns": counted.inference_ns},
            "compute_output": {"count": 0, "ns": 0},
        },
        "batch_stats": [],
    }
