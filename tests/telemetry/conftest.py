"""A workshop on each kind of database, and a place where spans are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tasker_core.store import open_database
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.workshop import Workshop

__all__ = ["postgres_of_the_suites", "store_url"]


@pytest.fixture
def workshop(tmp_path: Path, store_url: str) -> Iterator[Workshop]:
    """An empty store, no handlers, no worker."""
    with closing(open_database(store_url)) as database:
        database.migrate()
    workshop = Workshop(tmp_path, store_url)
    try:
        yield workshop
    finally:
        workshop.close()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """OpenTelemetry's SDK, set up in this process for one test; the spans that it was given."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    # A process sets up its SDK once and for all; a test gives it back.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return kept
