"""A client of the service in Python: `Client`, and `AsyncClient` for asyncio. It needs httpx and pydantic, no model.

`calls` builds requests and reads answers, `file_job` and `chunks` do it for whole files, `exchange` follows a request
through its attempts, which `retry` decides on. `sync` and `asynchronous` send them; `gathering` sends single
predictions together.
"""

try:
    import httpx as _httpx  # noqa: F401 (only to be told early)
except ModuleNotFoundError:
    raise ModuleNotFoundError("The client needs httpx: pip install 'conv1d-sentiment[client]'", name="httpx") from None

from service.api.schemas import (
    ExplainResponse,
    FeedbackResponse,
    HealthResponse,
    ModelResponse,
    OneOfMany,
    PredictionBody,
    ProblemBody,
    SingleResponse,
)
from service.checkpoint import CheckpointError
from service.client.asynchronous import AsyncClient
from service.client.calls import FileSummary
from service.client.errors import (
    ClientError,
    InvalidAnswerError,
    NotFoundError,
    NotReachedError,
    ProblemError,
    RefusedError,
    ServerError,
    UnauthorizedError,
    UnavailableError,
)
from service.client.retry import Retry
from service.client.sync import Client

__all__ = [
    "AsyncClient",
    "CheckpointError",
    "Client",
    "ClientError",
    "ExplainResponse",
    "FeedbackResponse",
    "FileSummary",
    "HealthResponse",
    "InvalidAnswerError",
    "ModelResponse",
    "NotFoundError",
    "NotReachedError",
    "OneOfMany",
    "PredictionBody",
    "ProblemBody",
    "ProblemError",
    "RefusedError",
    "Retry",
    "ServerError",
    "SingleResponse",
    "UnauthorizedError",
    "UnavailableError",
]
