"""A client of the service, in Python: `Client`, and `AsyncClient` for asyncio. It needs the extra 'client', no model.

`calls` says what goes over the wire and what comes back, `pieces` cuts files for it, `retry` decides what is tried
again; `sync` and `asynchronous` do it, and differ in nothing else.
"""

try:
    import httpx as _httpx  # noqa: F401 (only to be told early)
except ModuleNotFoundError:
    raise ModuleNotFoundError("The client needs httpx: pip install 'conv1d-sentiment[client]'", name="httpx") from None

from service.api.schemas import (
    ExplainResponse,
    HealthResponse,
    ModelResponse,
    OneOfMany,
    PredictionBody,
    ProblemBody,
    SingleResponse,
)
from service.client.asynchronous import AsyncClient
from service.client.calls import FileSummary
from service.client.errors import (
    ClientError,
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
    "Client",
    "ClientError",
    "ExplainResponse",
    "FileSummary",
    "HealthResponse",
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
