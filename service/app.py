"""The application: collaborators, routes and error handlers put together."""

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service import __version__
from service.api import batch, health, models, predict, problems
from service.api.direct import include_direct
from service.cores import available_cores, share_out
from service.errors import InvalidRequestError, ServiceError
from service.problems import (
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    ROUTE_NOT_FOUND,
    ProblemResponse,
    internal_response,
    problem_response,
)
from service.registry import Registry
from service.scheduler import Scheduler
from service.schemas import ProblemBody
from service.settings import Settings, configure_logging
from service.state import State

logger = logging.getLogger("service")

_DESCRIPTION = "Sentiment of short texts, by a convolutional network that this project trained on IMDB reviews."


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application, its models loaded and warm.

    Args:
        settings: without them, those of the environment (as worker processes are started).

    Raises:
        BundleError: a bundle cannot be used.
        SettingsError: the environment holds a value that a setting cannot take.
    """
    if settings is None:
        settings = Settings.load()
        configure_logging(settings)
    registry = Registry.load(settings)
    _, threads = share_out(available_cores(), settings.workers, settings.threads)
    scheduler = Scheduler(threads, settings.max_waiting_texts, settings.timeout_seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        scheduler.start()
        # What is there now stays: the garbage collector need not look through it, 40 ms each time, ever again.
        gc.collect()
        gc.freeze()
        for predictor in registry:
            logger.info(
                "serving %s version %d in %s%s",
                predictor.manifest.name,
                predictor.manifest.version,
                predictor.precision,
                " by default" if predictor is registry.default else "",
            )
        yield
        await scheduler.close()

    app = FastAPI(
        title="Sentiment service",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        responses={"default": {"description": "A problem", "content": {MEDIA_TYPE: {"schema": _problem_schema()}}}},
    )
    app.state.collaborators = State(settings, registry, scheduler)
    include_direct(app, batch.router)
    include_direct(app, predict.router)
    for module in (health, models, problems):
        app.include_router(module.router)
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)
    return app


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    response = problem_response(error)
    if response.status_code >= 500:
        logger.warning("%s %s: %s", request.method, request.url.path, error)
    return response


async def _validation_error(_: Request, error: Exception) -> Response:
    """Path and query parameters; bodies are parsed in `api.body`."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return problem_response(InvalidRequestError(f"{' '.join(map(str, first['loc']))}: {first['msg']}."))


async def _http_error(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: a route or a method that does not exist."""
    assert isinstance(error, HTTPException)
    if error.status_code == METHOD_NOT_ALLOWED.status:
        allowed = (error.headers or {}).get("Allow", "")
        detail = f"{request.url.path} does not take {request.method}; it takes {allowed}."
        return ProblemResponse(METHOD_NOT_ALLOWED.body(detail), error.status_code, error.headers)
    if error.status_code == ROUTE_NOT_FOUND.status:
        detail = f"There is nothing at {request.url.path}; /docs shows what there is."
        return ProblemResponse(ROUTE_NOT_FOUND.body(detail), error.status_code)
    logger.error("unexpected refusal of %s %s: %s", request.method, request.url.path, error)
    return internal_response()


async def _bug(_: Request, __: Exception) -> Response:
    """The server logs the traceback; the caller does not see it."""
    return internal_response()


def _problem_schema() -> dict[str, object]:
    return ProblemBody.model_json_schema()
