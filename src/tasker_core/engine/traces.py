"""What the engine tells of traces: below which span attempts run, and each step's own span once it is over."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING

from tasker_core.errors import StoreError
from tasker_core.store import Store
from tasker_core.telemetry import spans, tracing
from tasker_core.words import Lease

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

log = logging.getLogger("tasker.engine")


def hang_on_step(lease: Lease, epoch: int) -> None:
    """Let the attempt's span hang on the step's, which this process can record, instead of on the task's creation."""
    if lease.traceparent is not None:
        lease.traceparent = tracing.step_traceparent(lease.traceparent, lease.task_uuid, lease.key.no, epoch)


def record_steps(tracer: Tracer, store: Store, steps: Collection[tuple[int, int]]) -> None:
    """Record the spans of these steps (task's number, step's number), which are over."""
    if not steps:
        return
    try:
        traced = store.insight.traced(steps)
    except StoreError as error:
        # What was settled is settled; only its picture is missing.
        log.warning("the spans of %d steps weren't recorded: %s", len(steps), type(error).__name__)
        return
    for step in traced:
        spans.record_step(tracer, step)
