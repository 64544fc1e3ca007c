"""Tasks in the store: create them, read them, cancel them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from tasker_core.rules.chain import in_order
from tasker_core.rules.context_field import ContextField
from tasker_core.store.claiming import Claim, run_and_claim, write_and_claim
from tasker_core.store.creating import INSERT_TASKS, NewTask, creation_calls
from tasker_core.store.database import Access, Call, Rows, as_json
from tasker_core.store.filters import TaskFilter
from tasker_core.store.rows import AttemptRow, ClaimedRow, StepRow, TaskRow, TransitionRow, WarningRow
from tasker_core.words import JsonText, Micros


@dataclass(frozen=True, slots=True)
class Existing:
    """A task that holds an identity already, or held it until another one took it over."""

    identity: str
    id: str
    template_id: str
    context: JsonText
    created_at: Micros

    def bars(self, task: NewTask) -> bool:
        """Whether ``task``, of the same identity, can't be created: there is no window, or it hasn't passed."""
        return task.window is None or self.created_at > task.created_at - task.window

    def was_made_for(self, identity: str) -> bool:
        """Whether this is its identity, or was."""
        return self.identity.partition(" ")[0] == identity


class Whole(NamedTuple):
    """What belongs to tasks, by their numbers: steps, edges as (parent, child), warnings."""

    steps: Mapping[int, list[StepRow]]
    edges: Mapping[int, list[tuple[int, int]]]
    warnings: Mapping[int, list[WarningRow]]


@dataclass(frozen=True, slots=True)
class Creation:
    """What was written: the tasks' numbers by UUID, and the steps that were claimed along."""

    written: Mapping[str, int]
    claimed: Sequence[ClaimedRow]


SEARCHED_AT_ONCE = 100
"""Tasks whose contexts are read at a time where one of their fields is asked for."""


class Tasks:
    """What can be said about tasks."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def create(
        self, tasks: Sequence[NewTask], stamp: int, now: Micros, *, all_or_none: bool, claim: Claim | None = None
    ) -> Creation:
        """Write ``tasks`` in one transaction, and hand what is ready to ``claim.worker`` in the same.

        A task whose UUID or identity exists already isn't written; with ``all_or_none`` then none is.
        """
        calls = creation_calls(tasks, stamp, now)
        inserting = [call.statement for call in calls].index(INSERT_TASKS)
        if len(tasks) == 1 or not all_or_none:
            answers, claimed = write_and_claim(self._database, calls, claim, stamp, now)
        else:
            try:
                with self._database.transaction() as transaction:
                    answers, claimed = run_and_claim(transaction, calls, claim, stamp, now)
                    if len(answers[inserting]) < len(tasks):
                        raise _Refused
            except _Refused:
                return Creation({}, ())
        return Creation({uuid: no for no, uuid in answers[inserting]}, claimed)

    def existing(self, identities: Iterable[str]) -> dict[str, Existing]:
        """The tasks that hold these identities."""
        (rows,) = self._database.read(Call("tasks_by_identity", {"identities": as_json(list(identities))}))
        return {row[0]: Existing(*row) for row in rows}

    def holders(self, tasks: Iterable[str]) -> dict[str, Existing]:
        """Those of these tasks that exist, by UUID."""
        (rows,) = self._database.read(Call("identities_of_tasks", {"tasks": as_json(list(tasks))}))
        return {row[1]: Existing(*row) for row in rows}

    def numbers(self, tasks: Collection[str]) -> dict[str, int]:
        """The numbers of those tasks that exist, by UUID."""
        (rows,) = self._database.read(Call("tasks_by_uuid", {"tasks": as_json(list(tasks))}))
        return dict(rows)

    def find(self, task: str) -> TaskRow | None:
        (rows,) = self._database.read(Call("task_by_uuid", {"task": task}))
        return TaskRow(*rows[0]) if rows else None

    def traceparent(self, task: str) -> str | None:
        """Below which span the task was created, where it was traced."""
        (rows,) = self._database.read(Call("trace_of_task", {"task": task}))
        return rows[0][0] if rows else None

    def newest(self, filters: Mapping[str, Any], limit: int, offset: int) -> tuple[list[TaskRow], int]:
        """The newest tasks that match ``filters``, the fields of TaskFilter, and how many match in all."""
        wanted = TaskFilter(**filters)
        if wanted.context is not None:
            page: list[TaskRow] = []
            total = 0
            for total, row in enumerate(self._searched(wanted, wanted.context, None), 1):
                if offset < total <= offset + limit:
                    page.append(row)
            return page, total
        rows, counted = self._database.read(wanted.page(limit, offset), wanted.count())
        return [TaskRow(*row) for row in rows], counted[0][0]

    def older(
        self, filters: Mapping[str, Any], limit: int, than: int | None, newer: int = 0, *, unfinished: bool = False
    ) -> list[TaskRow]:
        """The newest tasks that match and are older than the one of this number, if one is given, and newer than that
        of another. ``unfinished`` is for one of the states UNFINISHED, however far back its tasks are."""
        wanted = TaskFilter(**filters)
        if wanted.context is not None:
            return list(islice(self._searched(wanted, wanted.context, than), limit))
        (rows,) = self._database.read(wanted.page(limit, older_than=than, newer_than=newer, unfinished=unfinished))
        return [TaskRow(*row) for row in rows]

    def at(self, number: int) -> tuple[str, Micros] | None:
        """The first task of this number or a higher one: its UUID, and when it was created."""
        (rows,) = self._database.read(Call("task_at", {"id": number}))
        return (rows[0][0], rows[0][1]) if rows else None

    def states_of(self, filters: Mapping[str, Any]) -> dict[str, int]:
        """How many tasks that match ``filters`` there are of each state. A long history makes this take longer."""
        (rows,) = self._database.read(TaskFilter(**filters).count_states())
        return dict(rows)

    def progress(self, tasks: Collection[int]) -> dict[int, dict[str, int]]:
        """Of each of ``tasks``: how many of its steps there are of each state."""
        (rows,) = self._database.read(Call("count_steps_of_tasks", {"tasks": as_json(list(tasks))}))
        found: dict[int, dict[str, int]] = {}
        for task, state, count in rows:
            found.setdefault(task, {})[state] = count
        return found

    def _searched(self, wanted: TaskFilter, field: ContextField, than: int | None) -> Iterator[TaskRow]:
        """The tasks that match, the newest first, each context compared here."""
        while True:
            (rows,) = self._database.read(wanted.page(SEARCHED_AT_ONCE, older_than=than))
            for row in map(TaskRow._make, rows):
                if field.is_in(row.context):
                    yield row
            if len(rows) < SEARCHED_AT_ONCE:
                return
            than = rows[-1][0]

    def states(self, tasks: Collection[int]) -> dict[int, str]:
        (rows,) = self._database.read(Call("task_states", {"tasks": as_json(list(tasks))}))
        return dict(rows)

    def steps(self, tasks: Collection[int]) -> tuple[Mapping[int, list[StepRow]], Mapping[int, list[tuple[int, int]]]]:
        """The steps of each task, and its edges as (parent, child)."""
        steps, graph, _ = self.whole(tasks)
        return steps, graph

    def whole(self, tasks: Collection[int]) -> Whole:
        """What belongs to each of ``tasks``, in one round trip."""
        return _whole(tasks, *self._database.read(*_whole_calls(tasks)))

    def find_whole(self, task: str, number: int) -> tuple[TaskRow | None, Whole]:
        """The task with this UUID and number, and what belongs to it, in one round trip."""
        found, *rest = self._database.read(Call("task_by_uuid", {"task": task}), *_whole_calls([number]))
        return TaskRow(*found[0]) if found else None, _whole([number], *rest)

    def attempts(self, task: int, steps: Collection[int] | None = None) -> list[AttemptRow]:
        """The ended attempts of a task, or of these ``steps`` (numbers) of it."""
        call = Call("attempts_of_task", {"task": task})
        if steps is not None:
            call = Call("attempts_of_steps", {"task": task, "steps": as_json(list(steps))})
        (rows,) = self._database.read(call)
        return [AttemptRow(*row) for row in rows]

    def step_names(self, task: int, steps: Collection[int]) -> dict[int, str]:
        """The names of those ``steps`` (numbers) of a task."""
        if not steps:
            return {}
        (rows,) = self._database.read(Call("names_of_steps", {"task": task, "steps": as_json(list(steps))}))
        return dict(rows)

    def transitions(self, task: int) -> list[TransitionRow]:
        """Those of a task and of its steps, in the order in which they happened."""
        (rows,) = self._database.read(Call("transitions_of_task", {"task": task}))
        return in_order(TransitionRow(*row) for row in rows)

    def cancel(self, task: int, stamp: int, now: Micros, actor: str, reason: str) -> bool:
        """Cancel what isn't finished of ``task``; False when the task was final already, and nothing changed.

        True also where this very word was said before.
        """
        said = {"task": task, "tx": stamp, "now": now, "actor": actor, "reason": reason, "verb": "cancel"}
        with self._database.transaction() as transaction:
            lock = Call("lock_tasks", {"tasks": as_json([task])})
            _, ((before,),), cancelled = transaction.run(lock, Call("word_of_task", said), Call("cancel_task", said))
            if cancelled:
                transaction.run(
                    Call("record_task", said), Call("record_cancelled_steps", said), Call("cancel_steps", said)
                )
        return bool(cancelled or before)


def _whole_calls(tasks: Collection[int]) -> list[Call]:
    wanted = {"tasks": as_json(list(tasks))}
    return [Call(name, wanted) for name in ("steps_of_tasks", "dependencies_of_tasks", "warnings_of_tasks")]


def _whole(tasks: Collection[int], rows: Rows, edges: Rows, warned: Rows) -> Whole:
    whole = Whole({task: [] for task in tasks}, {task: [] for task in tasks}, {task: [] for task in tasks})
    for row in rows:
        whole.steps[row[0]].append(StepRow(*row))
    for task, parent, child in edges:
        whole.edges[task].append((parent, child))
    for row in warned:
        whole.warnings[row[0]].append(WarningRow(*row))
    return whole


class _Refused(Exception):
    """Rolls a transaction back."""
