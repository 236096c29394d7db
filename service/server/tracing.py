"""OpenTelemetry traces, where they are wanted: a span for each request, a child of the caller's."""

from collections.abc import Callable

from fastapi import FastAPI

from service.settings import SettingsError


def add_tracing(app: FastAPI) -> Callable[[], None]:
    """Puts a span around each request and sends them by OTLP, as the OTEL_ variables say.

    Returns:
        To be called at the end: sends what is still there.

    Raises:
        SettingsError: the packages for it are not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from starlette.middleware.opentelemetry import OpenTelemetryMiddleware
    except ImportError as error:
        raise SettingsError(
            "SENTIMENT_TRACING is set, but OpenTelemetry is not installed: pip install '.[tracing]'"
        ) from error
    # The environment's name of the service, OTEL_SERVICE_NAME, counts before this one.
    provider = TracerProvider(resource=Resource.create({"service.name": "sentiment"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    app.add_middleware(OpenTelemetryMiddleware, tracer_provider=provider)
    return provider.shutdown
