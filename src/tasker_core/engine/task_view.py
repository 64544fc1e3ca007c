"""A task as callers see it, with what its steps' states say of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tasker_core.engine.known import Known
from tasker_core.engine.moment import moment
from tasker_core.engine.step_view import Parents, readiness, step_view
from tasker_core.rules.batches import MOST_INSTANCES_TOLD
from tasker_core.rules.mend import Undo
from tasker_core.rules.payload import decode
from tasker_core.store.creating import NewTask
from tasker_core.store.rows import StepRow, TaskRow, WarningRow
from tasker_core.store.warnings import INPUT_SCHEMA
from tasker_core.words import Micros, StepState, TaskState

_ACTIONS = {
    "blocked_by_failures": "handle_failures",
    "has_ready_steps": "execute_ready_steps",
    "processing": "wait_for_completion",
    "all_complete": "finalize_task",
    "waiting_for_dependencies": "wait_for_dependencies",
}

BRIEF = (
    "task_uuid", "name", "namespace", "version", "status", "created_at", "updated_at", "context", "initiator",
    "source_system", "reason", "priority", "tags", "correlation_id", "parent_correlation_id", "total_steps", "warnings",
)  # fmt: skip


def task_view(
    row: TaskRow,
    known: Known,
    steps: Sequence[StepRow],
    parents: Parents,
    warnings: Sequence[WarningRow],
    now: Micros,
    views: Sequence[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A task of the template ``known``, as it stands at ``now``, with its steps; of the instances of its batches, of
    which there may be very many, the first hundred. ``views`` are those of the steps, where they are there already."""
    if views is None:
        by_no = {step.no: step for step in steps}
        views = [step_view(row.uuid, step, known, parents, by_no, now) for step in steps]
    states = [step.state for step in steps]
    done = sum(StepState(state).satisfies for state in states)
    ready = sum(view["ready_for_execution"] for view in views)
    # What a task does that is being undone is told by its compensations: the failure that led to it stays.
    telling = [step.state for step in steps if known.undo.undone(step.no)] if row.undo else states
    status = execution_status(telling, ready)
    return {
        "task_uuid": row.uuid,
        "name": row.name,
        "namespace": row.namespace,
        "version": row.version,
        "status": row.state,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "completed_at": moment(row.completed_at),
        "requested_at": moment(row.requested_at),
        "context": decode(row.context),
        "initiator": row.initiator,
        "source_system": row.source_system,
        "reason": row.reason,
        "priority": row.priority,
        "tags": decode(row.tags),
        "correlation_id": row.correlation_id,
        "parent_correlation_id": row.parent_correlation_id,
        "idempotency_key": row.idempotency_key,
        "total_steps": len(steps),
        "pending_steps": states.count("pending"),
        "in_progress_steps": states.count("in_progress"),
        "completed_steps": done,
        "failed_steps": states.count("error"),
        "ready_steps": ready,
        "execution_status": status,
        "recommended_action": _ACTIONS[status],
        "completion_percentage": round(100 * done / len(steps), 2) if steps else 0.0,
        "health_status": health_status(telling),
        "compensated": row.undo == Undo.DONE,
        "steps": [readiness(view, step) for view, step in _told(views, steps)],
        "paused": _pause(row),
        "warnings": [_warning(warning) for warning in warnings],
    }


def _pause(row: TaskRow) -> dict[str, Any] | None:
    """Who holds an unfinished task, or its whole namespace."""
    if row.paused_at is None or TaskState(row.state).is_final:
        return None
    return {
        "what": "namespace" if row.namespace_is_paused else "task",
        "by": row.paused_by,
        "at": moment(row.paused_at),
        "reason": row.pause_reason,
    }


def _told(views: Sequence[dict[str, Any]], steps: Sequence[StepRow]) -> Iterator[tuple[dict[str, Any], StepRow]]:
    instances = 0
    for view, step in zip(views, steps, strict=True):
        instances += view["batch_index"] is not None
        if view["batch_index"] is None or instances <= MOST_INSTANCES_TOLD:
            yield view, step


def brief_view(task: NewTask) -> dict[str, Any]:
    """A task as it was just written, without its steps and what follows from them."""
    return {
        "task_uuid": task.id,
        "name": task.name,
        "namespace": task.namespace,
        "version": task.version,
        "status": task.state,
        "created_at": moment(task.created_at),
        "updated_at": moment(task.created_at),
        "context": decode(task.context),
        "initiator": task.initiator,
        "source_system": task.source_system,
        "reason": task.reason,
        "priority": task.priority,
        "tags": decode(task.tags),
        "correlation_id": task.correlation_id,
        "parent_correlation_id": task.parent_correlation_id,
        "total_steps": task.total_steps,
        "warnings": [_warning(warning) for warning in fresh_warnings(task)],
    }


def execution_status(states: Sequence[str], ready: int) -> str:
    """What an operator or a poller should think of a task, from the states of its steps."""
    if "error" in states:
        return "blocked_by_failures"
    if ready:
        return "has_ready_steps"
    if "in_progress" in states:
        return "processing"
    if states and all(StepState(state).is_final for state in states):
        return "all_complete"
    return "waiting_for_dependencies"


def health_status(states: Sequence[str]) -> str:
    """healthy, recovering (a retry is coming), blocked, or unknown for a task without steps."""
    if "error" in states:
        return "blocked"
    if "waiting_for_retry" in states:
        return "recovering"
    return "healthy" if states else "unknown"


def fresh_warnings(task: NewTask) -> list[WarningRow]:
    """The warnings that ``task`` is written with."""
    return [WarningRow(0, None, None, INPUT_SCHEMA, *violation, task.created_at) for violation in task.violations]


def _warning(row: WarningRow) -> dict[str, Any]:
    return {
        "code": row.code,
        "step": row.step,
        "attempt": row.attempt,
        "path": row.path,
        "message": row.message,
        "at": moment(row.at),
    }
