"""Repairs in the store: what an operator changes by hand in a task that can't go on by itself."""

from __future__ import annotations

from dataclasses import dataclass

from tasker_core.rules.batches import FIRST_INSTANCE, worker_of
from tasker_core.store.batching import resume_calls
from tasker_core.store.database import Access, Call, as_json
from tasker_core.words import Micros


@dataclass(frozen=True, slots=True)
class Repaired:
    """The lane and rank of the step that is ready, and the state that its task moved to, if it did."""

    lane: str
    rank: int
    moved: str | None


class Repairs:
    """What operators can say."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def reset(self, task: int, step: str, stamp: int, now: Micros, actor: str, reason: str) -> Repaired | None:
        """Put the failed step of this name back into the queue, as if it had never run.

        None when it isn't in ``error`` or its task is final; then nothing changed.
        """
        tasks = as_json([task])
        said = {
            "task": task, "tasks": tasks, "step": step, "tx": stamp, "now": now, "actor": actor, "reason": reason,
        }  # fmt: skip
        with self._database.transaction() as transaction:
            *_, reset = transaction.run(Call("lock_tasks", said), Call("reset_step", said))
            if not reset:
                return None
            lane, rank, no = reset[0]
            if no >= FIRST_INSTANCE:
                transaction.run(*resume_calls(worker_of(no), said, now))
            names = ("record_reset", "raise_epoch", "rest_tasks", "record_task")
            *_, moved, _ = transaction.run(*(Call(name, said) for name in names))
        return Repaired(lane, rank, moved=moved[0][1] if moved else None)
