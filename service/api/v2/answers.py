"""The schemas of the protocol's answers, for the OpenAPI document."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from service.api.v2.requests import OutputName


class V2Error(BaseModel):
    """An error."""

    error: str


class OutputTensor(BaseModel):
    """An output of an answer, in the shape of the input."""

    name: OutputName
    datatype: Literal["BYTES", "FP32", "INT32", "BOOL"]
    shape: list[int]
    parameters: dict[str, int] | None = Field(default=None, description="`binary_data_size`: its bytes after the JSON.")
    data: list[str] | list[float] | list[int] | list[bool] | None = None


class InferResponse(BaseModel):
    """The answer to an inference request."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class LiveStatus(BaseModel):
    """The state of a process that answers."""

    live: bool


class ReadyStatus(BaseModel):
    """The state of a service that is ready."""

    ready: bool


class ModelReadyStatus(ReadyStatus):
    """The state of a model that is ready."""

    name: str


class ServerMetadata(BaseModel):
    """Name, version and extensions of the server."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """Name, type and shape of a tensor; -1 is any size."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """Inputs and outputs of a model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class TensorConfig(BaseModel):
    """Triton's configuration of a tensor; `dims` are those of one element of the batch."""

    name: str
    data_type: str
    dims: list[int]


class ModelConfig(BaseModel):
    """The part of Triton's model configuration that applies to this service."""

    name: str
    platform: str
    backend: str
    max_batch_size: int
    input: list[TensorConfig]
    output: list[TensorConfig]
    dynamic_batching: dict[str, Any]
    default_model_filename: str
    parameters: dict[str, dict[str, str]]


class Duration(BaseModel):
    """A number of events and their total duration in nanoseconds."""

    count: int
    ns: int


class InferenceStats(BaseModel):
    """Durations of the stages of inference."""

    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration


class ModelStats(BaseModel):
    """Statistics of a model version since the start."""

    name: str
    version: str
    last_inference: int = Field(description="Milliseconds since 1970; 0 for never.")
    inference_count: int = Field(description="Texts.")
    execution_count: int = Field(description="Batches.")
    inference_stats: InferenceStats
    batch_stats: list[dict[str, Any]]


class Statistics(BaseModel):
    """Statistics of the model versions that the path names."""

    model_stats: list[ModelStats]


class IndexEntryBody(BaseModel):
    """A model version in the folder of models."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str
