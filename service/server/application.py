"""The application, made of collaborators, routes, middleware and error handlers."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from service import __version__
from service.api.error_shapes import handling_in_shape
from service.api.routes import routes
from service.api.spool import SpoolBudget
from service.api.state import State
from service.backlog import Backlog
from service.classifier import Classifier, Limits
from service.cores import available_cores, share_out
from service.feedback.database import open_database
from service.feedback.feedback_metrics import FeedbackCollector
from service.feedback.recorder import open_recorder
from service.inference.predictor import Predictor
from service.lifecycle import Lifecycle
from service.metrics import Metrics
from service.models.fleet import Fleet
from service.models.registry import Registry
from service.models.repository import Repository
from service.models.rollout_metrics import RolloutCollector
from service.monitoring.drift import Drift
from service.monitoring.drift_metrics import DriftCollector
from service.monitoring.headroom import Headroom
from service.monitoring.shadow import Shadow
from service.monitoring.shadow_metrics import ShadowCollector
from service.monitoring.shadow_sample import ShadowSample
from service.monitoring.tallies import Tallies
from service.problems import (
    METHOD_NOT_ALLOWED,
    ROUTE_NOT_FOUND,
    ProblemResponse,
    internal_response,
)
from service.scheduler import Job, Scheduler
from service.scoring_jobs import ScoringJobs
from service.server.direct_routes import DirectRoutes
from service.server.forwarded import ForwardedMiddleware
from service.server.keys import ApiKeys
from service.server.logs import RequestLog, for_people
from service.server.memory import settle
from service.server.middleware import RequestMiddleware
from service.server.platform_routes import PlatformRoutesMiddleware
from service.server.tracing import add_tracing
from service.settings import Settings

logger = logging.getLogger("service")

_DESCRIPTION = "Sentiment of short texts, by a convolutional network that this project trained on IMDB reviews."

CORS_REQUEST_HEADERS = [
    "Authorization", "Content-Encoding", "Content-Type", "If-None-Match", "Inference-Header-Content-Length", "Prefer",
    "traceparent", "X-API-Key", "X-Request-ID", "X-Request-Timeout", "X-Sticky-Key",
]  # fmt: skip
"""Request headers that pages of other origins may send."""

CORS_ANSWER_HEADERS = [
    "ETag", "Inference-Header-Content-Length", "Retry-After", "traceparent", "X-Model", "X-Request-ID",
]  # fmt: skip
"""Headers of answers that these pages may read."""

_TICK_SECONDS = 0.5


class Application(Starlette):
    """Starlette's application with routes found by their path, and without its outermost layer.

    That layer would answer what `RequestMiddleware` answers already: errors that nothing else handles.
    """

    collaborators: State

    def build_middleware_stack(self) -> ASGIApp:
        """Put the middleware around the routes."""
        app: ASGIApp = ExceptionMiddleware(self.router, self.exception_handlers)
        app = DirectRoutes(self.routes, otherwise=app)
        for middleware, args, kwargs in reversed(self.user_middleware):
            app = middleware(app, *args, **kwargs)
        return app


def open_state(
    settings: Settings,
    fleet: Fleet,
    shared: bool,
    loaded: Sequence[Predictor] = (),
    scoring: ScoringJobs | None = None,
) -> State:
    """Load the models, and make what the requests share.

    Args:
        settings: the settings.
        fleet: fleet of the worker processes.
        shared: whether there are other processes.
        loaded: models to keep if their bundles have not changed.
        scoring: jobs of the scoring processes; None without these.

    Raises:
        BundleError: a bundle cannot be used.
        SettingsError: a file of flips or feedback cannot be used.
    """
    models_folder = Repository.open(settings, fleet, lenient=shared, loaded=loaded)
    metrics = Metrics(models_folder.models, shared)
    metrics.add(RolloutCollector(models_folder))
    cores = available_cores()
    workers, threads = share_out(cores, settings.workers, settings.threads)

    def registry() -> Registry:
        return models_folder.registry

    drift = Drift(registry, Tallies(fleet.drift))
    metrics.add(DriftCollector(registry, drift))

    def observe(job: Job) -> None:
        metrics.observe(job)
        drift.observe(job)

    scheduler = Scheduler(threads, observe, scoring)
    sample = ShadowSample(settings.shadow_sample) if settings.shadow_sample else None
    shadow = Shadow(registry, scheduler, Headroom(cores / workers), Tallies(fleet.shadow), sample)
    metrics.add(ShadowCollector(registry, shadow))
    classifier = Classifier(
        registry,
        scheduler,
        Backlog(settings.max_waiting_texts, settings.max_waiting_chars),
        Limits(settings.max_texts, settings.max_text_chars),
        shadow.offer,
    )
    lifecycle = Lifecycle(settings.drain_seconds, settings.shutdown_seconds)
    spool_budget = SpoolBudget(settings.spool_bytes)
    feedback = open_recorder(settings, metrics.lost_answers)
    if feedback:
        metrics.add(FeedbackCollector(lambda: feedback.figures))
    return State(
        settings, models_folder, classifier, scheduler, metrics, lifecycle, spool_budget, shadow, drift, feedback
    )


def create_app(
    settings: Settings,
    fleet: Fleet | None = None,
    loaded: Sequence[Predictor] = (),
    scoring: ScoringJobs | None = None,
) -> Application:
    """Make the application, with its models loaded and warm.

    Args:
        settings: the settings.
        fleet: fleet of the worker processes; None for a single process.
        loaded: models to keep if their bundles have not changed.
        scoring: jobs of the scoring processes; None without these.

    Raises:
        BundleError: a bundle cannot be used.
        SettingsError: the API keys cannot be read, a proxy is no address, a file of flips or feedback cannot be used,
            or tracing is not installed.
    """
    shared, fleet = fleet is not None, fleet or Fleet.private()
    state = open_state(settings, fleet, shared, loaded, scoring)
    request_log = RequestLog(for_people(settings), _to_standard_error) if settings.request_log else None
    api_keys = ApiKeys(settings, fleet.quotas)

    @asynccontextmanager
    async def lifespan(_: Application) -> AsyncIterator[None]:
        state.scheduler.start()
        state.repository.start()
        state.lifecycle.start(on_hangup=state.repository.ask_for_reload)
        running = [_sample(state), _follow(state, api_keys), state.shadow.run()]
        if state.feedback:
            running.append(state.feedback.run())
        tasks = [asyncio.create_task(each) for each in running]
        settle()
        for predictor, default in state.repository.models():
            name, version = predictor.manifest.name, predictor.manifest.version
            note = " by default" if default else ""
            logger.info("serving %s version %d in %s%s", name, version, predictor.precision, note)
        yield
        for task in tasks:
            task.cancel()
        await state.scheduler.close()
        state.metrics.pass_on()
        if state.feedback:
            await state.feedback.close()
        if request_log:
            request_log.flush()
        shut_down_tracing()

    app = Application(
        routes=routes(
            {"title": "Sentiment service", "description": _DESCRIPTION, "version": __version__}, settings.keyed
        ),
        exception_handlers={HTTPException: handling_in_shape(_http_error)},
        lifespan=lifespan,
    )
    app.collaborators = state
    # A request passes the middleware in the reverse order: the one added last comes first.
    app.add_middleware(
        RequestMiddleware,
        settings=settings,
        api_keys=api_keys,
        metrics=state.metrics,
        lifecycle=state.lifecycle,
        log=request_log,
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(settings.origins),
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=CORS_REQUEST_HEADERS,
            expose_headers=CORS_ANSWER_HEADERS,
        )
    if settings.root_path or settings.proxies:
        app.add_middleware(ForwardedMiddleware, root_path=settings.root_path, trusted=settings.proxies)
    if settings.health_route or settings.predict_route:
        app.add_middleware(PlatformRoutesMiddleware, settings=settings)
    shut_down_tracing = add_tracing(app) if settings.tracing else lambda: None
    app.middleware_stack = app.build_middleware_stack()  # here, as a setting that it cannot use stops the start
    return app


def check_settings(settings: Settings, fleet: Fleet) -> None:
    """Check, in the parent of several workers, what each of them opens: a fault stops the start with one message.

    Raises:
        SettingsError: the API keys cannot be read, a proxy is no address, a file of flips or feedback cannot be used,
            or tracing is not installed.
    """
    ApiKeys(settings, fleet.quotas)
    ForwardedMiddleware(Starlette(), settings.root_path, settings.proxies)
    if settings.shadow_sample:
        ShadowSample(settings.shadow_sample)
    if settings.feedback_file:
        open_database(settings.feedback_file).close()
    if settings.tracing:
        shut_down_tracing = add_tracing(Starlette())
        shut_down_tracing()


async def _sample(state: State) -> None:
    """Update the gauges and what the other processes are told, twice a second."""
    while True:
        state.metrics.sample(state.scheduler.waiting)
        state.shadow.keep()
        state.drift.keep()
        await asyncio.sleep(_TICK_SECONDS)


async def _follow(state: State, api_keys: ApiKeys) -> None:
    """Follow changes of the models folder and of the keys' file, twice a second."""
    while True:
        await state.repository.follow()
        await api_keys.follow()
        await asyncio.sleep(_TICK_SECONDS)


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer a request for a route or a method that does not exist, which the framework refuses."""
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
