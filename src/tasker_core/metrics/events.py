"""What this process has done with domain events, in plain numbers."""

from __future__ import annotations

from typing import Any

from tasker_core.telemetry import metrics

MODES = ("durable", "fast", "broadcast")
RECEIVERS = ("subscriber", "webhook")


def event_stats() -> dict[str, Any]:
    """Events that this process ``published`` by their delivery mode, warnings by their code (``failed``), what was
    ``dispatched`` to subscribers and webhooks, and fast events that were ``dropped``.

    >>> sorted(event_stats())
    ['dispatched', 'dropped', 'failed', 'published']
    """
    published, failed = metrics.EVENTS_PUBLISHED.read(), metrics.EVENTS_FAILED.read()
    dispatched = metrics.EVENTS_DISPATCHED.read()
    return {
        "published": {mode: published.get((mode,), 0) for mode in MODES},
        "failed": {code: failed.get((code,), 0) for code in ("event_schema", "event_publisher")},
        "dispatched": {
            to: {"delivered": dispatched.get((to, "true"), 0), "failed": dispatched.get((to, "false"), 0)}
            for to in RECEIVERS
        },
        "dropped": metrics.EVENTS_DROPPED.read().get((), 0),
    }
