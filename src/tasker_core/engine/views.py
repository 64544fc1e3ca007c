"""Tasks and steps as callers see them: plain dicts of JSON-able values, the same in process and over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.clock import Clock, step_uuid
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.known import Known
from tasker_core.engine.moment import moment
from tasker_core.engine.step_view import Parents, audit_entry, results_view, step_view
from tasker_core.engine.summary import summary
from tasker_core.engine.task_view import BRIEF, brief_view, fresh_warnings, task_view
from tasker_core.errors import StepNotFoundError, TaskNotFoundError
from tasker_core.store import Store
from tasker_core.store.creating import NewTask
from tasker_core.store.rows import AttemptRow, StepRow, TaskRow
from tasker_core.store.tasks import Whole


class Views:
    """Reads the store and answers in the words of the contract."""

    def __init__(self, store: Store, catalog: Catalog, clock: Clock) -> None:
        self._store, self._catalog, self._clock = store, catalog, clock

    def task(self, task: str, number: int | None = None) -> dict[str, Any]:
        """A task with its steps; whoever knows its ``number`` in the store spares a round trip.

        Raises TaskNotFoundError.
        """
        tasks = self._store.tasks
        row, whole = (tasks.find(task), None) if number is None else tasks.find_whole(task, number)
        if row is None:
            raise TaskNotFoundError(f"there is no task {task}")
        return self._tasks([row], whole if row.id == number else None)[0]

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
        return task_view(row, known, steps, dict(enumerate(known.parents, 1)), fresh_warnings(task), self._clock.now())

    def brief(self, task: NewTask) -> dict[str, Any]:
        """The same without its steps and what follows from them, where many are written at once."""
        return brief_view(task)

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

    def steps(self, task: str, limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
        """The steps of a task, in the template's order and then the instances of its batches, with their results: all
        of them, or ``limit`` behind the first ``offset``. Raises TaskNotFoundError."""
        known, steps, parents = self._graph(task)
        end = None if limit is None else offset + limit
        return self._with_results(task, known, steps, parents, steps[offset:end])

    def step(self, task: str, step: str) -> dict[str, Any]:
        """One step by its UUID. Raises TaskNotFoundError, StepNotFoundError."""
        known, steps, parents = self._graph(task)
        found = [row for row in steps if step_uuid(task, row.no) == step]
        if not found:
            raise StepNotFoundError(f"task {task} has no step {step}")
        return self._with_results(task, known, steps, parents, found)[0]

    def audit(self, task: str, step: str) -> list[dict[str, Any]]:
        """Every ended attempt of a step, the newest first. Raises TaskNotFoundError, StepNotFoundError."""
        row = self._store.tasks.find(task)
        if row is None:
            raise TaskNotFoundError(f"there is no task {task}")
        steps, _ = self._store.tasks.steps([row.id])
        found = [each for each in steps[row.id] if step_uuid(task, each.no) == step]
        if not found:
            raise StepNotFoundError(f"task {task} has no step {step}")
        ended = self._store.tasks.attempts(row.id, [found[0].no])
        names = self._store.workers.names({attempt.worker for attempt in ended})
        return [
            audit_entry(task, step, found[0].name, row.correlation_id, attempt, names) for attempt in reversed(ended)
        ]

    def _with_results(
        self, task: str, known: Known, steps: Sequence[StepRow], parents: Parents, wanted: Sequence[StepRow]
    ) -> list[dict[str, Any]]:
        if not wanted:
            return []
        some = None if len(wanted) == len(steps) else [row.no for row in wanted]
        ended = self._store.tasks.attempts(wanted[0].task_id, some)
        attempts, names = _by_step(ended), self._store.workers.names({attempt.worker for attempt in ended})
        by_no, now = {step.no: step for step in steps}, self._clock.now()
        return [
            step_view(task, row, known, parents, by_no, now) | results_view(attempts.get(row.no, []), names)
            for row in wanted
        ]

    def trace(self, task: str) -> str | None:
        """The id of the trace that the task and all its steps belong to, where it was created in one."""
        traceparent = self._store.tasks.traceparent(task)
        return None if traceparent is None else traceparent.split("-")[1]

    def transitions(self, task: str) -> list[dict[str, Any]]:
        """Every change of a task's state, and of its steps' where no attempt tells it, the oldest first.

        Raises TaskNotFoundError.
        """
        row = self._store.tasks.find(task)
        if row is None:
            raise TaskNotFoundError(f"there is no task {task}")
        changes = self._store.tasks.transitions(row.id)
        numbers, known = {change.no for change in changes if change.no}, self._catalog.known(row.template_id)
        # Of steps that a restart has removed the template tells; a refused report may name one that never was.
        declared = {no: known.step(no).name for no in numbers if known.has(no)}
        names = declared | self._store.tasks.step_names(row.id, numbers)
        return [
            {
                "task_uuid": task,
                "step_uuid": step_uuid(task, change.no) if change.no else None,
                "step_name": names.get(change.no),
                "from_state": change.from_state,
                "to_state": change.to_state,
                "at": moment(change.at),
                "actor": change.actor,
                "reason": change.reason,
                "verb": change.verb or None,
            }
            for change in changes
        ]

    def summary(self, task: str) -> dict[str, Any]:
        """A task as a drawing needs it; see ``summary.summary``. Raises TaskNotFoundError."""
        return self.drawn(task)[1]

    def drawn(self, task: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """A task, and its summary, from one reading. Raises TaskNotFoundError."""
        row = self._store.tasks.find(task)
        if row is None:
            raise TaskNotFoundError(f"there is no task {task}")
        known, whole = self._catalog.known(row.template_id), self._store.tasks.whole([row.id])
        steps, parents = whole.steps[row.id], _parents(whole.edges[row.id])
        names = {step.no: step.name for step in steps}
        views = self._with_results(task, known, steps, parents, steps)
        view = task_view(row, known, steps, parents, whole.warnings[row.id], self._clock.now(), views)
        edges = [[names[no] for no in parents.get(step.no, ())] for step in steps]
        return view, summary(view, views, edges, known.template, self._store.dead_letters.latest(task))

    def _graph(self, task: str) -> tuple[Known, Sequence[StepRow], dict[int, list[int]]]:
        row = self._store.tasks.find(task)
        if row is None:
            raise TaskNotFoundError(f"there is no task {task}")
        steps, edges = self._store.tasks.steps([row.id])
        return self._catalog.known(row.template_id), steps[row.id], _parents(edges[row.id])

    def _tasks(self, rows: Sequence[TaskRow], whole: Whole | None = None) -> list[dict[str, Any]]:
        if not rows:
            return []
        steps, edges, warnings = whole or self._store.tasks.whole([row.id for row in rows])
        known, now = self._catalog.known, self._clock.now()
        return [
            task_view(row, known(row.template_id), steps[row.id], _parents(edges[row.id]), warnings[row.id], now)
            for row in rows
        ]


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
