"""Creating tasks: what is written, and the statements that write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tasker_core.store.database import Call, as_json
from tasker_core.store.warnings import INPUT_SCHEMA, warning_rows
from tasker_core.words import JsonText, Micros, Violation

INSERT_TASKS = "insert_tasks"


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task as it is written; ``identity`` is what makes it the same task as another.

    ``window`` (microseconds) is after how long another task may take the identity over; None is never. ``keys`` are
    those of steps that are limited by one, by their numbers.
    """

    id: str
    template: str
    namespace: str
    name: str
    version: str
    identity: str
    state: str
    priority: int
    rank: int
    total_steps: int
    context: JsonText
    initiator: str
    source_system: str
    reason: str
    tags: JsonText
    correlation_id: str
    parent_correlation_id: str | None
    idempotency_key: str | None
    requested_at: Micros
    created_at: Micros
    violations: Sequence[Violation] = ()
    traceparent: str | None = None
    window: Micros | None = None
    keys: Mapping[int, str] = field(default_factory=dict)


_HOT = ("id", "template", "namespace", "name", "version", "identity", "state", "priority", "rank", "total_steps")
_COLD = (
    "id", "context", "initiator", "source_system", "reason", "tags", "correlation_id", "parent_correlation_id",
    "idempotency_key", "requested_at", "traceparent",
)  # fmt: skip


def creation_calls(tasks: Sequence[NewTask], stamp: int, now: Micros) -> list[Call]:
    """The statements that write ``tasks``; the rows of the one called INSERT_TASKS are the ids written."""
    # In the order of identities: two creators of the same tasks then wait for each other instead of deadlocking.
    ordered = sorted(tasks, key=lambda task: task.identity)
    batch = as_json([{name: getattr(task, name) for name in _HOT} for task in ordered])
    payloads = as_json([{name: getattr(task, name) for name in _COLD} for task in ordered])
    hot = {"batch": batch, "tx": stamp, "now": now}
    calls = [
        *_taking_over(ordered, now),
        Call(INSERT_TASKS, hot),
        Call("insert_payloads", {"payloads": payloads, "tx": stamp}),
        Call("insert_steps", hot),
        Call("insert_dependencies", hot),
    ]
    if any(task.keys for task in ordered):
        keys = [{"id": task.id, "step": no, "key": key} for task in ordered for no, key in task.keys.items()]
        calls.append(Call("insert_keys", {"keys": as_json(keys), "tx": stamp}))
    if any(task.violations for task in ordered):
        rows = [row for task in ordered for row in warning_rows({"id": task.id}, INPUT_SCHEMA, task.violations)]
        calls.append(Call("insert_task_warnings", {"warnings": as_json(rows), "tx": stamp, "now": now}))
    return calls


def _taking_over(tasks: Sequence[NewTask], now: Micros) -> list[Call]:
    """The statements that free identities whose window has passed; none where no task has one."""
    windows = [
        {"id": task.id, "template": task.template, "identity": task.identity, "until": now - task.window}
        for task in tasks
        if task.window is not None
    ]
    if not windows:
        return []
    passed = {"windows": as_json(windows)}
    return [Call("lock_passed_identities", passed), Call("free_passed_identities", passed)]
