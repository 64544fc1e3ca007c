"""Tasks and steps as callers see them: plain dicts of JSON-able values, the same in process and over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tasker_core.clock import Clock, step_uuid
from tasker_core.engine.catalog import Catalog, Known
from tasker_core.engine.summary import summary
from tasker_core.errors import StepNotFoundError, TaskNotFoundError
from tasker_core.rules.payload import decode
from tasker_core.store import Store
from tasker_core.store.rows import AttemptRow, StepRow, TaskRow, WarningRow
from tasker_core.store.tasks import NewTask
from tasker_core.store.warnings import INPUT_SCHEMA
from tasker_core.words import Ending, JsonText, Micros, StepState

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


class Views:
    """Reads the store and answers in the words of the contract."""

    def __init__(self, store: Store, catalog: Catalog, clock: Clock) -> None:
        self._store, self._catalog, self._clock = store, catalog, clock

    def task(self, task: str) -> dict[str, Any]:
        """A task with its steps. Raises TaskNotFoundError."""
        row = self._store.tasks.find(task)
        if row is None:
            raise TaskNotFoundError(f"there is no task {task}")
        return self._tasks([row])[0]

    def fresh(self, task: NewTask, known: Known) -> dict[str, Any]:
        """A task as it was just written, without reading it back."""
        now = task.created_at
        row = TaskRow(
            0, task.id, task.template, task.namespace, task.name, task.version, task.state, task.priority,
            task.total_steps, now, now, 0, task.context, task.initiator, task.source_system, task.reason, task.tags,
            task.correlation_id, task.parent_correlation_id, task.idempotency_key, task.requested_at,
        )  # fmt: skip
        steps = [
            StepRow(
                0, no, name, "pending" if waits else "enqueued", lane, now, waits, 0, 0, 0, 0, 0 if waits else now, 0, 0
            )
            for no, name, lane, waits in known.rows
        ]
        return self._task(row, steps, dict(enumerate(map(list, known.parents), 1)), _fresh_warnings(task))

    def brief(self, task: NewTask) -> dict[str, Any]:
        """The same without its steps and what follows from them, where many are written at once."""
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
            "warnings": [_warning(warning) for warning in _fresh_warnings(task)],
        }

    def briefly(self, task: str) -> dict[str, Any]:
        """The same of a task that exists already. Raises TaskNotFoundError."""
        view = self.task(task)
        return {key: view[key] for key in BRIEF}

    def tasks(self, filters: Mapping[str, Any], limit: int, offset: int) -> dict[str, Any]:
        """The newest tasks that match, and where in all of them this page stands."""
        rows, total = self._store.tasks.newest(filters, limit, offset)
        has_next = offset + len(rows) < total
        return {
            "tasks": self._tasks(rows),
            "pagination": {
                "page": offset // limit + 1, "per_page": limit, "total_count": total, "total_pages": -(-total // limit),
                "has_next": has_next, "has_previous": offset > 0, "next": rows[-1].uuid if rows and has_next else None,
            },
        }  # fmt: skip

    def tasks_after(self, filters: Mapping[str, Any], limit: int, after: str) -> dict[str, Any]:
        """The tasks that match and are older than ``after``: the page that follows the one that ends with it.

        Nothing is counted, and no page passed over. Raises TaskNotFoundError.
        """
        numbers = self._store.tasks.numbers([after])
        if after not in numbers:
            raise TaskNotFoundError(f"there is no task {after}")
        rows = self._store.tasks.older(filters, limit + 1, numbers[after])
        has_next, rows = len(rows) > limit, rows[:limit]
        return {
            "tasks": self._tasks(rows),
            "pagination": {
                "page": None, "per_page": limit, "total_count": None, "total_pages": None, "has_next": has_next,
                "has_previous": True, "next": rows[-1].uuid if has_next else None,
            },
        }  # fmt: skip

    def steps(self, task: str) -> list[dict[str, Any]]:
        """The steps of a task, in the template's order, with their results. Raises TaskNotFoundError."""
        known, steps, parents = self._graph(task)
        ended = self._store.tasks.attempts(steps[0].task_id) if steps else []
        attempts, names = _by_step(ended), self._store.workers.names({attempt.worker for attempt in ended})
        by_no = {step.no: step for step in steps}
        return [
            self._step(task, row, known, parents, by_no) | _results(attempts.get(row.no, []), names) for row in steps
        ]

    def step(self, task: str, step: str) -> dict[str, Any]:
        """One step by its UUID. Raises TaskNotFoundError, StepNotFoundError."""
        for view in self.steps(task):
            if view["step_uuid"] == step:
                return view
        raise StepNotFoundError(f"task {task} has no step {step}")

    def audit(self, task: str, step: str) -> list[dict[str, Any]]:
        """Every ended attempt of a step, the newest first. Raises TaskNotFoundError, StepNotFoundError."""
        view = self.step(task, step)
        row = self._store.tasks.find(task)
        assert row is not None
        ended = [a for a in self._store.tasks.attempts(row.id) if step_uuid(task, a.no) == step]
        names = self._store.workers.names({attempt.worker for attempt in ended})
        return [
            {
                "audit_uuid": step_uuid(task, (attempt.no << 32) + attempt.fence),
                "workflow_step_uuid": step,
                "transition_uuid": step_uuid(task, (attempt.no << 32) + attempt.fence),
                "task_uuid": task,
                "recorded_at": moment(attempt.ended_at),
                "worker_uuid": _uuid_of(attempt.worker, names),
                "correlation_id": row.correlation_id,
                "success": attempt.ending == Ending.OK,
                "execution_time_ms": _milliseconds(attempt),
                "result": _execution(attempt),
                "step_name": view["name"],
                "from_state": str(StepState.IN_PROGRESS),
                "to_state": attempt.state,
                "attempt": attempt.attempt,
                "ending": attempt.ending,
                "reason": attempt.reason,
            }
            for attempt in reversed(ended)
        ]

    def transitions(self, task: str) -> list[dict[str, Any]]:
        """Every change of a task's state, and of its steps' where no attempt tells it, the oldest first.

        Raises TaskNotFoundError.
        """
        row = self._store.tasks.find(task)
        if row is None:
            raise TaskNotFoundError(f"there is no task {task}")
        known = self._catalog.known(row.template_id)
        return [
            {
                "task_uuid": task,
                "step_uuid": step_uuid(task, change.no) if change.no else None,
                "step_name": known.step(change.no).name if change.no else None,
                "from_state": change.from_state,
                "to_state": change.to_state,
                "at": moment(change.at),
                "actor": change.actor,
                "reason": change.reason,
            }
            for change in self._store.tasks.transitions(row.id)
        ]

    def summary(self, task: str) -> dict[str, Any]:
        """A task as a drawing needs it; see ``summary.summary``. Raises TaskNotFoundError."""
        view, steps, row = self.task(task), self.steps(task), self._store.tasks.find(task)
        if row is None:
            raise TaskNotFoundError(f"there is no task {task}")
        template = self._catalog.known(row.template_id).template
        return summary(view, steps, template, self._store.dead_letters.latest(task))

    def _graph(self, task: str) -> tuple[Known, Sequence[StepRow], dict[int, list[int]]]:
        row = self._store.tasks.find(task)
        if row is None:
            raise TaskNotFoundError(f"there is no task {task}")
        steps, edges = self._store.tasks.steps([row.id])
        return self._catalog.known(row.template_id), steps[row.id], _parents(edges[row.id])

    def _tasks(self, rows: Sequence[TaskRow]) -> list[dict[str, Any]]:
        if not rows:
            return []
        steps, edges, warnings = self._store.tasks.whole([row.id for row in rows])
        return [self._task(row, steps[row.id], _parents(edges[row.id]), warnings[row.id]) for row in rows]

    def _task(
        self, row: TaskRow, steps: Sequence[StepRow], parents: Mapping[int, list[int]], warnings: Sequence[WarningRow]
    ) -> dict[str, Any]:
        known = self._catalog.known(row.template_id)
        by_no = {step.no: step for step in steps}
        views = [self._step(row.uuid, step, known, parents, by_no) for step in steps]
        states = [step.state for step in steps]
        done = sum(StepState(state).satisfies for state in states)
        ready = sum(view["ready_for_execution"] for view in views)
        status = execution_status(states, ready)
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
            "health_status": health_status(states),
            "steps": [_readiness(view) for view in views],
            "warnings": [_warning(warning) for warning in warnings],
        }

    def _step(
        self, task: str, row: StepRow, known: Known, parents: Mapping[int, list[int]], by_no: Mapping[int, StepRow]
    ) -> dict[str, Any]:
        state = StepState(row.state)
        own = parents.get(row.no, [])
        done = sum(StepState(by_no[no].state).satisfies for no in own)
        policy = known.step(row.no).retry_policy
        waiting = state is StepState.WAITING_FOR_RETRY
        due = waiting and row.run_at <= self._clock.now()
        eligible = row.attempt == 0 or (policy.retryable and row.attempt < policy.max_attempts)
        return {
            "step_uuid": step_uuid(task, row.no),
            "task_uuid": task,
            "name": row.name,
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


def moment(at: Micros) -> str | None:
    """A stored time in ISO 8601 (UTC, microseconds); None for one that hasn't come.

    >>> moment(1_800_000_000_000_000), moment(0)
    ('2027-01-15T08:00:00.000000Z', None)
    """
    if not at:
        return None
    seconds, micros = divmod(at, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{micros:06d}Z"


def _parents(edges: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    parents: dict[int, list[int]] = {}
    for parent, child in edges:
        parents.setdefault(child, []).append(parent)
    return parents


def _by_step(attempts: Sequence[AttemptRow]) -> dict[int, list[AttemptRow]]:
    found: dict[int, list[AttemptRow]] = {}
    for attempt in attempts:
        found.setdefault(attempt.no, []).append(attempt)
    return found


def _readiness(view: Mapping[str, Any]) -> dict[str, Any]:
    wanted = (
        "task_uuid", "name", "current_state", "dependencies_satisfied", "retry_eligible", "ready_for_execution",
        "last_failure_at", "next_retry_at", "total_parents", "completed_parents", "attempts", "max_attempts",
        "last_attempted_at",
    )  # fmt: skip
    ids = {"workflow_step_uuid": view["step_uuid"], "named_step_uuid": view["step_uuid"]}
    return ids | {key: view[key] for key in wanted} | {"backoff_request_seconds": None}


def _fresh_warnings(task: NewTask) -> list[WarningRow]:
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


def _results(attempts: Sequence[AttemptRow], names: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    told = [attempt for attempt in attempts if attempt.ending != Ending.RELEASED]
    return {
        "results": _execution(told[-1]) if told else None,
        "history": [
            {
                "attempt": attempt.attempt,
                "ending": attempt.ending,
                "state": attempt.state,
                "reason": attempt.reason,
                "worker_uuid": _uuid_of(attempt.worker, names),
                "started_at": moment(attempt.claimed_at),
                "ended_at": moment(attempt.ended_at),
                "execution_time_ms": _milliseconds(attempt),
            }
            for attempt in attempts
        ],
    }


def _execution(attempt: AttemptRow) -> dict[str, Any]:
    """The whole execution result of an attempt; what the handler returned is under ``result``."""
    kept = decode(attempt.result) if attempt.result is not None else {}
    error = _decoded(attempt.error)
    return {
        "success": attempt.state in ("complete", "resolved_manually"),
        "status": "completed" if attempt.ending == Ending.OK else "error",
        "result": kept.get("result"),
        "error": error,
        "execution_time_ms": _milliseconds(attempt),
        "metadata": kept.get("metadata") or (error or {}).get("context") or {},
    }


def _uuid_of(worker: int, names: Mapping[int, tuple[str, str]]) -> str | None:
    return names[worker][0] if worker in names else None


def _decoded(text: JsonText | None) -> dict[str, Any] | None:
    value: dict[str, Any] | None = decode(text) if text is not None else None
    return value


def _milliseconds(attempt: AttemptRow) -> int:
    return max(0, attempt.ended_at - attempt.claimed_at) // 1_000
