"""Which trace a request belongs to."""

from __future__ import annotations

from fastapi import Request

from tasker_core.telemetry import tracing


def traceparent_of(request: Request) -> str | None:
    """The span that is current here, else the caller's by its ``traceparent`` header; one that is none is ignored."""
    given = request.headers.get("traceparent", "")
    return tracing.current_traceparent() or (given if tracing.is_traceparent(given) else None)
