"""OpenTelemetry traces: a span for each request, a child of the caller's span."""

from collections.abc import Callable

from starlette.applications import Starlette

from service.settings import SettingsError


def add_tracing(app: Starlette) -> Callable[[], None]:
    """Add the middleware that makes a span for each request and exports it by OTLP, as the OTEL_ variables say.

    Args:
        app: the application.

    Returns:
        A function to call at the end: it exports the remaining spans.

    Raises:
        SettingsError: the extra `tracing` is not installed.
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
