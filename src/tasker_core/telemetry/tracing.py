"""Spans go where the application's OpenTelemetry sends them. Where none is set up, nothing is imported or done.

A trace goes on over processes by its ``traceparent`` (W3C Trace Context), which is stored with the task.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tasker_core.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext, Tracer

SCOPE = "tasker_core"
OFF = ("0", "false", "off", "no")

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_found: tuple[Any, Tracer | None, Tracer | None] | None = None
_chosen = threading.local()


def tracer() -> Tracer | None:
    """Where spans go; None when this process has set up no OpenTelemetry SDK, or TELEMETRY_ENABLED says no."""
    return _look()[0]


def step_tracer() -> Tracer | None:
    """Where the spans of whole steps go; None also where the SDK can't give a span an id that was chosen before."""
    return _look()[1]


def _look() -> tuple[Tracer | None, Tracer | None]:
    global _found
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None, None
    provider = api.get_tracer_provider()
    if _found is None or _found[0] is not provider:
        silent = isinstance(provider, api.ProxyTracerProvider | api.NoOpTracerProvider)
        if silent or os.environ.get("TELEMETRY_ENABLED", "").lower() in OFF:
            _found = (provider, None, None)
        else:
            tracer = provider.get_tracer(SCOPE, VERSION)
            disabled = isinstance(tracer, api.NoOpTracer)
            _found = (provider, None, None) if disabled else (provider, tracer, _with_chosen_ids(provider))
    return _found[1:]


def _with_chosen_ids(provider: Any) -> Tracer | None:
    tracer: Any = provider.get_tracer(f"{SCOPE}.steps", VERSION)
    usual = getattr(tracer, "id_generator", None)
    if usual is None:
        return None
    tracer.id_generator = _ChosenIds(usual)
    found: Tracer = tracer
    return found


class _ChosenIds:
    """The SDK's ids, but for a span whose id was chosen: the attempts of a step name it long before it is recorded."""

    def __init__(self, usual: Any) -> None:
        self._usual = usual

    def generate_span_id(self) -> int:
        return getattr(_chosen, "span_id", None) or int(self._usual.generate_span_id())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._usual, name)


@contextmanager
def choosing(span_id: int) -> Iterator[None]:
    """The span that ``step_tracer`` starts within this block, in this thread, gets the id ``span_id``."""
    _chosen.span_id = span_id
    try:
        yield
    finally:
        _chosen.span_id = None


def is_traceparent(text: str) -> bool:
    """Whether ``text`` is a ``traceparent`` of version 00.

    >>> is_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), is_traceparent("00-0-0-01")
    (True, False)
    """
    return _TRACEPARENT.fullmatch(text) is not None


def current_traceparent() -> str | None:
    """The ``traceparent`` of the span that is current here, to hand to another process; None without one."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    context = api.get_current_span().get_span_context()
    return written(context) if context.is_valid else None


def written(context: SpanContext) -> str:
    """A span's ids as a ``traceparent``."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def read(traceparent: str) -> SpanContext | None:
    """The span that a ``traceparent`` names; None when it isn't one."""
    from opentelemetry.trace import SpanContext, TraceFlags

    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in match.groups())
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))


def below(traceparent: str | None) -> Context:
    """A context below the span that ``traceparent`` names, and with nothing else in it; one for a root without it."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    parent = read(traceparent) if traceparent else None
    return Context() if parent is None else set_span_in_context(NonRecordingSpan(parent), Context())


def step_span_id(trace_id: int, task_uuid: str, no: int, epoch: int) -> int:
    """The id of the span of a whole step: whoever runs an attempt of it, in any process, finds the same."""
    named = f"{trace_id:032x}/{task_uuid}/{no}/{epoch}".encode()
    return int.from_bytes(hashlib.sha256(named).digest()[:8], "big") or 1


def step_traceparent(traceparent: str, task_uuid: str, no: int, epoch: int) -> str:
    """What the attempts of a step hang on, in the trace that ``traceparent`` belongs to."""
    version, trace, _, flags = traceparent.split("-")
    return f"{version}-{trace}-{step_span_id(int(trace, 16), task_uuid, no, epoch):016x}-{flags}"


def log_fields() -> Mapping[str, str]:
    """trace_id and span_id of the span that is current here, for log lines."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return {}
    context = api.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
