"""What the store knows of a task and its surroundings, for whoever explains it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

from tasker_core.rules.facts import MOST_AHEAD, BatchFact, Facts, StepFact, WorkerFact
from tasker_core.rules.gates import Standing
from tasker_core.rules.symptoms import MOST_COUNTED, MOST_LANES, Duty, Failed, Pile, Symptoms, TemplateFact
from tasker_core.store.database import Access, Call, Rows, as_json
from tasker_core.telemetry.spans import Traced
from tasker_core.words import HELD, KEY_MARK, Micros, Pause

PAGE = 200
"""Unfinished tasks that are looked at in one go."""


class UnfinishedTask(NamedTuple):
    id: int
    uuid: str
    state: str


class Insight:
    """What can be said about why tasks stand where they stand."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def traced(self, steps: Collection[tuple[int, int]]) -> list[Traced]:
        """What the spans of these steps (task, no) tell, those of traced tasks that have begun."""
        batch = as_json([{"task": task, "step": no} for task, no in steps])
        (rows,) = self._database.read(Call("traced_steps", {"batch": batch}))
        return [Traced(*row) for row in rows]

    def facts(self, task: str, now: Micros) -> Facts | None:
        """Everything around the task with this UUID, in one round trip; None when there is no such task."""
        of = {"task": task}
        found, word, steps, edges, workers, queue, batches, gates = self._database.read(
            Call("explain_task", of),
            Call("explain_last_word", of),
            Call("explain_steps", of),
            Call("explain_edges", of),
            Call("explain_workers", of),
            Call("explain_queue", {**of, "most": MOST_AHEAD}),
            Call("explain_batches", of),
            Call("all_standings", {"now": now}),
        )
        if not found:
            return None
        template, namespace, state, created_at, updated_at, *pauses = found[0]
        own, wide = (Pause(*pause) if pause[0] is not None else None for pause in (pauses[:3], pauses[3:]))
        return Facts(
            task,
            str(template),
            namespace,
            state,
            created_at,
            updated_at,
            (word[0][0], word[0][1]) if word else ("", ""),
            [StepFact._make((*row[:3], row[3].removeprefix(HELD), *row[4:])) for row in steps],
            edges,
            _workers(workers),
            dict(queue),
            [BatchFact(*row) for row in batches],
            own,
            wide,
            {row[0]: Standing(*row) for row in gates},
        )

    def database_now(self) -> Micros | None:
        """What the database's clock says, asked by a statement; None where it has no clock of its own."""
        ((row,),) = self._database.read(Call("database_now", {}))
        return None if row[0] is None else int(row[0])

    def symptoms(
        self, overdue_before: Micros, duty: str, templates: Sequence[TemplateFact], dead: Collection[int]
    ) -> Symptoms:
        """What waits, runs and has failed in the whole store, in one round trip that history doesn't make longer.

        A retry that was due before ``overdue_before`` is overdue; ``duty`` is the sweepers'.
        """
        most = {"most": MOST_COUNTED}
        workers, queues, lost, overdue, failed, letters, sweep, paused, held = self._database.read(
            Call("doctor_workers", {}),
            Call("doctor_queues", {**most, "lanes": MOST_LANES}),
            Call("doctor_lost", {}),
            Call("doctor_overdue", {**most, "before": overdue_before}),
            Call("doctor_failed", most),
            Call("doctor_dead_letters", {}),
            Call("doctor_duty", {"name": duty}),
            Call("paused_namespaces", {}),
            Call("doctor_paused_tasks", most),
        )
        return Symptoms(
            _workers(workers),
            dead,
            {lane: Pile(*pile) for lane, *pile in queues if pile[0] and KEY_MARK not in lane},
            {lane: Pile(*pile) for lane, *pile in lost},
            Pile(*overdue[0]) if overdue else None,
            [Failed(*row) for row in failed],
            Pile(*letters[0]) if letters else None,
            Duty(*sweep[0]) if sweep else None,
            templates,
            {namespace: Pause(*pause) for namespace, *pause in paused},
            Pile(*held[0]) if held else None,
        )

    def unfinished(self, after: int) -> list[UnfinishedTask]:
        """The next unfinished tasks by number after ``after``. A long history makes this take longer."""
        (rows,) = self._database.read(Call("doctor_unfinished", {"after": after, "page": PAGE}))
        return [UnfinishedTask(*row) for row in rows]

    def damage(self) -> list[str]:
        """What is damaged in the file, at most three things. Reads all of it."""
        (rows,) = self._database.read(Call("doctor_damage", {}))
        return [row[0] for row in rows]


def _workers(rows: Rows) -> list[WorkerFact]:
    return [WorkerFact._make((*row[:-1], frozenset(json.loads(row[-1])))) for row in rows]
