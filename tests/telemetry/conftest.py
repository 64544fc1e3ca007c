"""A workshop on each kind of database, and a place where spans are kept."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.support.workshops import postgres_of_the_suites, store_url, workshop

__all__ = ["postgres_of_the_suites", "store_url", "workshop"]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """OpenTelemetry's SDK, set up in this process for one test; the spans that it was given."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    # A process sets up its SDK once and for all; a test gives it back.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return kept
