"""A step as callers see it: where it stands, what its attempts came to, its audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tasker_core.clock import step_uuid
from tasker_core.engine.known import Known
from tasker_core.engine.moment import moment
from tasker_core.rules.batches import index_of
from tasker_core.rules.payload import decode
from tasker_core.store.rows import AttemptRow, StepRow
from tasker_core.words import Ending, JsonText, Micros, StepState

Parents: TypeAlias = Mapping[int, Sequence[int]]
"""The numbers of each step's parents, by the step's number."""

WorkerNames: TypeAlias = Mapping[int, tuple[str, str]]
"""UUID and name of each worker, by its number."""


def step_view(
    task: str, row: StepRow, known: Known, parents: Parents, by_no: Mapping[int, StepRow], now: Micros
) -> dict[str, Any]:
    """One step of ``task`` as it stands at ``now``; ``by_no`` are the rows of all steps of the task."""
    state = StepState(row.state)
    own = parents.get(row.no, [])
    done = sum(StepState(by_no[no].state).satisfies for no in own)
    policy, undone = known.step(row.no).retry_policy, known.undo.undone(row.no)
    waiting = state is StepState.WAITING_FOR_RETRY
    due = waiting and row.run_at <= now
    eligible = row.attempt == 0 or (policy.retryable and row.attempt < policy.max_attempts)
    return {
        "step_uuid": step_uuid(task, row.no),
        "task_uuid": task,
        "name": row.name,
        "template_step": known.step(undone or row.no).name,
        "compensates": known.step(undone).name if undone else None,
        "batch_index": index_of(row.no) if known.batch_of(row.no) is not None else None,
        "created_at": moment(row.enqueued_at),
        "updated_at": moment(max(row.enqueued_at, row.claimed_at, row.ended_at)),
        "completed_at": moment(row.ended_at) if state.satisfies else None,
        "current_state": row.state,
        "dependencies_satisfied": done == len(own),
        "retry_eligible": eligible,
        "ready_for_execution": state is StepState.ENQUEUED or due,
        "total_parents": len(own),
        "completed_parents": done,
        "attempts": row.attempt,
        "max_attempts": policy.max_attempts,
        "last_failure_at": moment(row.ended_at) if waiting or state is StepState.ERROR else None,
        "next_retry_at": moment(row.run_at) if waiting else None,
        "last_attempted_at": moment(row.claimed_at),
    }


def readiness(view: Mapping[str, Any], row: StepRow) -> dict[str, Any]:
    """What a task tells of each of its steps: whether it may run, and why not."""
    wanted = (
        "task_uuid", "name", "current_state", "dependencies_satisfied", "retry_eligible", "ready_for_execution",
        "last_failure_at", "next_retry_at", "total_parents", "completed_parents", "attempts", "max_attempts",
        "last_attempted_at",
    )  # fmt: skip
    ids = {"workflow_step_uuid": view["step_uuid"], "named_step_uuid": view["step_uuid"]}
    waits = row.state == StepState.WAITING_FOR_RETRY
    seconds = -((row.ended_at - row.run_at) // 1_000_000) if waits else None
    return ids | {key: view[key] for key in wanted} | {"backoff_request_seconds": seconds}


def results_view(attempts: Sequence[AttemptRow], workers: WorkerNames) -> dict[str, Any]:
    """What the ended attempts of a step came to: the last result, and the history."""
    told = [attempt for attempt in attempts if attempt.ending not in (Ending.RELEASED, Ending.YIELDED, Ending.TAKEN)]
    return {
        "results": _execution(told[-1]) if told else None,
        "history": [
            {
                "attempt": attempt.attempt,
                "ending": attempt.ending,
                "state": attempt.state,
                "reason": attempt.reason,
                "worker_uuid": _uuid_of(attempt.worker, workers),
                "started_at": moment(attempt.claimed_at),
                "ended_at": moment(attempt.ended_at),
                "execution_time_ms": _milliseconds(attempt),
            }
            for attempt in attempts
        ],
    }


def audit_entry(
    task: str, step: str, name: str, correlation_id: str, attempt: AttemptRow, workers: WorkerNames
) -> dict[str, Any]:
    """An ended attempt of the step with the UUID ``step``, as its audit trail tells it."""
    return {
        "audit_uuid": step_uuid(task, (attempt.no << 32) + attempt.fence),
        "workflow_step_uuid": step,
        "transition_uuid": step_uuid(task, (attempt.no << 32) + attempt.fence),
        "task_uuid": task,
        "recorded_at": moment(attempt.ended_at),
        "worker_uuid": _uuid_of(attempt.worker, workers),
        "correlation_id": correlation_id,
        "success": attempt.ending in (Ending.OK, Ending.BY_HAND),
        "execution_time_ms": _milliseconds(attempt),
        "result": _execution(attempt),
        "step_name": name,
        "from_state": str(StepState.IN_PROGRESS),
        "to_state": attempt.state,
        "attempt": attempt.attempt,
        "ending": attempt.ending,
        "reason": attempt.reason,
    }


def _execution(attempt: AttemptRow) -> dict[str, Any]:
    """The whole execution result of an attempt; what the handler returned is under ``result``."""
    kept = decode(attempt.result) if attempt.result is not None else {}
    error = _decoded(attempt.error)
    return {
        "success": attempt.state in ("complete", "resolved_manually"),
        "status": "completed" if attempt.ending in (Ending.OK, Ending.BY_HAND) else "error",
        "result": kept.get("result"),
        "error": error,
        "execution_time_ms": _milliseconds(attempt),
        "metadata": kept.get("metadata") or (error or {}).get("context") or {},
    }


def _uuid_of(worker: int, workers: WorkerNames) -> str | None:
    return workers[worker][0] if worker in workers else None


def _decoded(text: JsonText | None) -> dict[str, Any] | None:
    value: dict[str, Any] | None = decode(text) if text is not None else None
    return value


def _milliseconds(attempt: AttemptRow) -> int:
    return max(0, attempt.ended_at - attempt.claimed_at) // 1_000
