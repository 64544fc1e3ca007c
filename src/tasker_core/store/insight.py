"""What the store knows of a task and its surroundings, for whoever explains it."""

from __future__ import annotations

import json

from tasker_core.rules.facts import MOST_AHEAD, Facts, StepFact, WorkerFact
from tasker_core.store.database import Call, Database


class Insight:
    """What can be said about why tasks stand where they stand."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def facts(self, task: str) -> Facts | None:
        """Everything around the task with this UUID, in one round trip; None when there is no such task."""
        of = {"task": task}
        found, word, steps, edges, workers, queue = self._database.read(
            Call("explain_task", of),
            Call("explain_last_word", of),
            Call("explain_steps", of),
            Call("explain_edges", of),
            Call("explain_workers", of),
            Call("explain_queue", {**of, "most": MOST_AHEAD}),
        )
        if not found:
            return None
        template, state, created_at, updated_at = found[0]
        return Facts(
            task,
            str(template),
            state,
            created_at,
            updated_at,
            (word[0][0], word[0][1]) if word else ("", ""),
            [StepFact(*row) for row in steps],
            [(parent, child) for parent, child in edges],
            [WorkerFact._make((*row[:-1], frozenset(json.loads(row[-1])))) for row in workers],
            dict(queue),
        )
