"""Finished tasks in the store: find the old ones, drop them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from tasker_core.store.database import Access, Call, as_json
from tasker_core.words import Micros

PAGE = 1_000
"""Tasks that are looked at in one statement."""
CHILDREN_FIRST = (
    "drop_attempts", "drop_transitions", "drop_warnings", "drop_events", "drop_dead_letters", "drop_dependencies",
    "drop_steps", "drop_step_payloads", "drop_step_keys", "drop_batches", "drop_former_contexts", "drop_pauses",
    "drop_payloads",
    "drop_tasks",
)  # fmt: skip


class OldTask(NamedTuple):
    """A task on the way through the old ones; ``may_go`` when it is finished, old enough, and nothing of it is open."""

    id: int
    steps: int
    created_at: Micros
    may_go: int


class History:
    """What can be said about tasks of the past."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def page(self, after: int, before: Micros, heard: Micros, namespace: str | None = None) -> Sequence[OldTask]:
        """The next tasks by number after ``after``, and which of them, finished before ``before``, may be dropped.

        Events stay that somebody lacks who was heard of after ``heard``.
        """
        wanted = {"after": after, "before": before, "heard": heard, "namespace": namespace, "page": PAGE}
        (rows,) = self._database.read(Call("old_tasks", wanted))
        return [OldTask(*row) for row in rows]

    def drop(self, tasks: Collection[int], before: Micros, heard: Micros = 0) -> list[int]:
        """Drop those of ``tasks`` that may still go, with all that belongs to them, in one transaction; which."""
        with self._database.transaction() as transaction:
            (rows,) = transaction.run(
                Call("lock_old_tasks", {"tasks": as_json(sorted(tasks)), "before": before, "heard": heard})
            )
            dropped = [row[0] for row in rows]
            if dropped:
                gone = {"tasks": as_json(dropped)}
                transaction.run(*(Call(statement, gone) for statement in CHILDREN_FIRST))
        return dropped
