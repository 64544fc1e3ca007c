"""Sends the spans of a command to where the usual variables of OpenTelemetry say.

An application that embeds Tasker sets up OpenTelemetry itself, as for all its other spans.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tasker_core.errors import InvalidRequestError
from tasker_core.telemetry.tracing import OFF
from tasker_core.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ON = ("1", "true", "on", "yes")
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def is_asked_for() -> bool:
    """TELEMETRY_ENABLED says so, or, where it is silent, an endpoint is named."""
    word = os.environ.get("TELEMETRY_ENABLED", "").lower()
    return word in ON or (word not in OFF and any(os.environ.get(name) for name in ENDPOINTS))


@contextmanager
def exported_spans(service: str) -> Iterator[None]:
    """Within the block, let this process's spans be sent, in the name of OTEL_SERVICE_NAME, else ``service``.

    Does nothing unless it is asked for, and nothing where somebody has set up OpenTelemetry before. Raises
    InvalidRequestError where the extra ``otel`` isn't installed.
    """
    provider = _provider(service) if is_asked_for() else None
    try:
        yield
    finally:
        if provider is not None:
            provider.shutdown()


def _provider(service: str) -> TracerProvider | None:
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError:
        raise InvalidRequestError(
            "traces are asked for (TELEMETRY_ENABLED, OTEL_EXPORTER_OTLP_ENDPOINT), and OpenTelemetry isn't "
            "installed: pip install 'tasker-core[otel]'",
            field="TELEMETRY_ENABLED",
        ) from None
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return None
    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or service, "service.version": VERSION}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider
