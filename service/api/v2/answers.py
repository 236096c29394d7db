"""What the protocol's answers look like, for the OpenAPI document."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from service.api.v2.requests import OutputName


class V2Error(BaseModel):
    """Every answer that is no success."""

    error: str


class OutputTensor(BaseModel):
    """One output of an answer, of the input's shape."""

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
    """Whether the process answers."""

    live: bool


class ReadyStatus(BaseModel):
    """Whether requests may come."""

    ready: bool


class ModelReadyStatus(ReadyStatus):
    """Whether requests to a model may come."""

    name: str


class ServerMetadata(BaseModel):
    """What this server is."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """A tensor; -1 is any size."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class TensorConfig(BaseModel):
    """A tensor as Triton configures it: `dims` are those of one element of the batch."""

    name: str
    data_type: str
    dims: list[int]


class ModelConfig(BaseModel):
    """The part of Triton's model configuration that says something of this service."""

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
    """How often, and nanoseconds in all."""

    count: int
    ns: int


class InferenceStats(BaseModel):
    """Where the time went."""

    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration


class ModelStats(BaseModel):
    """What a model version did since the start."""

    name: str
    version: str
    last_inference: int = Field(description="Milliseconds since 1970; 0 for never.")
    inference_count: int = Field(description="Texts.")
    execution_count: int = Field(description="Batches.")
    inference_stats: InferenceStats
    batch_stats: list[dict[str, Any]]


class Statistics(BaseModel):
    """Of each model version asked for."""

    model_stats: list[ModelStats]


class IndexEntryBody(BaseModel):
    """A model version in the folder of models."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str
