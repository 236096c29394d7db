"""The application: collaborators, routes and error handlers put together."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from service import __version__
from service.api import batch, explain, health, layers, models, page, predict, problems
from service.api import metrics as metrics_route
from service.api.direct import DirectRoute, Shortcuts, include_direct
from service.api.schemas import ProblemBody
from service.api.v2 import infer, repository, server
from service.api.v2.errors import speaking_v2
from service.control import Control
from service.cores import available_cores, share_out
from service.errors import InvalidRequestError
from service.metrics import Metrics
from service.problems import (
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    ROUTE_NOT_FOUND,
    ProblemResponse,
    internal_response,
    problem_response,
)
from service.repository import Repository
from service.scheduler import Scheduler
from service.server.api_keys import ApiKeys
from service.server.edge import Edge
from service.server.lifecycle import Lifecycle
from service.server.logs import RequestLog, for_people
from service.server.tracing import add_tracing
from service.settings import Settings
from service.state import State

logger = logging.getLogger("service")

_DESCRIPTION = "Sentiment of short texts, by a convolutional network that this project trained on IMDB reviews."

_TICK_SECONDS = 0.5


def create_app(settings: Settings, control: Control | None = None) -> FastAPI:
    """The application, its models loaded and warm.

    Args:
        settings: all of them.
        control: what it shares with the other processes of the service; None if it is alone.

    Raises:
        BundleError: a bundle cannot be used.
        SettingsError: the API keys cannot be read, or tracing is not installed.
    """
    models_folder = Repository.open(settings, control or Control.private(), lenient=control is not None)
    metrics = Metrics(models_folder.models, shared=control is not None)
    _, threads = share_out(available_cores(), settings.workers, settings.threads)
    scheduler = Scheduler(threads, settings.max_waiting_texts, metrics.observe)
    lifecycle = Lifecycle(settings.drain_seconds, settings.shutdown_seconds)
    request_log = RequestLog(for_people(settings), _to_standard_error) if settings.request_log else None
    api_keys = ApiKeys.load(settings)
    state = State(settings, models_folder, scheduler, metrics, lifecycle)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        scheduler.start()
        models_folder.start()
        lifecycle.start(on_hangup=models_folder.ask_for_reload)
        ticking = asyncio.create_task(_tick(state))
        # What is there now stays: the garbage collector need not look through it, 40 ms each time, ever again.
        gc.collect()
        gc.freeze()
        for predictor, default in models_folder.models():
            name, version = predictor.manifest.name, predictor.manifest.version
            note = " by default" if default else ""
            logger.info("serving %s version %d in %s%s", name, version, predictor.precision, note)
        yield
        ticking.cancel()
        await scheduler.close()
        if request_log:
            request_log.flush()
        shut_down_tracing()

    app = FastAPI(
        title="Sentiment service",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        responses={"default": {"description": "A problem", "content": {MEDIA_TYPE: {"schema": _problem_schema()}}}},
    )
    app.state.collaborators = state
    shortcuts: dict[str, DirectRoute] = {}
    for direct in (
        repository,
        server,
        infer,
        batch,
        layers,
        explain,
        health,
        predict,
    ):  # the last one is looked at first
        shortcuts |= include_direct(app, direct.router)
    for router in (metrics_route.router, models.router, problems.router, page.page_router()):
        app.include_router(router)
    app.add_exception_handler(RequestValidationError, speaking_v2(_validation_error))
    app.add_exception_handler(HTTPException, speaking_v2(_http_error))
    # The last one added is the first that a request meets.
    app.add_middleware(Shortcuts, routes=shortcuts)
    app.add_middleware(
        Edge, settings=settings, api_keys=api_keys, metrics=metrics, lifecycle=lifecycle, log=request_log
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[origin.strip() for origin in settings.cors_origins.split(",")],
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID", "X-Request-Timeout", "traceparent"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    shut_down_tracing = add_tracing(app) if settings.tracing else lambda: None
    return app


async def _tick(state: State) -> None:
    """What is done twice a second."""
    while True:
        state.metrics.sample(state.scheduler.waiting)
        await state.repository.follow()
        await asyncio.sleep(_TICK_SECONDS)


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


def _to_standard_error(lines: bytes) -> None:
    sys.stderr.buffer.write(lines)
    sys.stderr.buffer.flush()


def _problem_schema() -> dict[str, object]:
    return ProblemBody.model_json_schema()
