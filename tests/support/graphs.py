"""A store, its workers, and graphs of steps to play on it: what the store's tests stand on.

A graph is written as ``{"a": [], "b": ["a"]}``: each step with its parents. A task's steps are numbered from 1 in that
order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

from tasker_core.clock import ManualClock, RandomIds
from tasker_core.rules.payload import digest
from tasker_core.store import Store
from tasker_core.store.burial import DeadLetter
from tasker_core.store.claiming import Claim
from tasker_core.store.creating import NewTask
from tasker_core.store.postgres import PostgresDatabase
from tasker_core.store.rows import ClaimedRow, WorkerRow
from tasker_core.store.settling import Ruling, Settlement
from tasker_core.store.sqlite import SqliteDatabase
from tasker_core.store.tasks import Creation
from tasker_core.store.templates import NewTemplate
from tasker_core.words import Ending, LeaseKey, StepState, Verdict

Graph: TypeAlias = Mapping[str, Sequence[str]]

PER_STEP = ("steps", "attempts", "dependencies", "task_payloads", "paused_tasks")
TABLES = (*PER_STEP, "tasks", "transitions", "warnings", "templates", "workers", "dead_letters", "duties")


class Held(NamedTuple):
    """A claimed step, and the stamp of the claim."""

    row: ClaimedRow
    stamp: int

    @property
    def key(self) -> LeaseKey:
        return LeaseKey(self.row.task_id, self.row.no, self.row.fence)

    @property
    def name(self) -> str:
        return self.row.name

    def at(self, *, fence: int, no: int | None = None) -> Held:
        """Another lease, as somebody might claim to hold it: of this step, or of step ``no``."""
        return Held(self.row._replace(no=self.row.no if no is None else no, fence=fence), self.stamp)


@dataclass(frozen=True)
class Shape:
    """A registered graph."""

    id: str
    name: str
    version: str
    steps: tuple[str, ...]
    lanes: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]


class Stage:
    """A store in use. Time stands still unless ``clock`` is told otherwise; every id is fresh."""

    def __init__(self, store: Store, clock: ManualClock | None = None) -> None:
        self.store = store
        self.clock = clock or ManualClock()
        self.ids = RandomIds()
        self.worker = self.hire()

    def template(
        self, graph: Graph, *, name: str = "flow", version: str = "1.0.0", lane: str | None = None
    ) -> Shape:  # fmt: skip
        """Register ``graph``; each step has the lane of its name, or all of them ``lane``."""
        steps = tuple(graph)
        numbers = {step: no for no, step in enumerate(steps, 1)}
        edges = tuple((numbers[parent], numbers[step]) for step, parents in graph.items() for parent in parents)
        lanes = tuple(lane or f"shop/{step}" for step in steps)
        rows = [(numbers[s], s, lane, len(graph[s])) for s, lane in zip(steps, lanes, strict=True)]
        content = digest([list(rows), list(edges)])
        new = NewTemplate(self.ids.new(), "shop", name, version, content, f'{{"of":"{content}"}}', rows, edges)
        self.store.templates.register(new, self.clock.now(), make_current=True)
        (row,) = self.store.templates.current(name, "shop", version)
        return Shape(row.id, name, version, steps, lanes, edges)

    def new_task(self, shape: Shape, **changes: Any) -> NewTask:
        """A task of ``shape``, not yet written, like no other."""
        task = NewTask(
            id=self.ids.new(), template=shape.id, namespace="shop", name=shape.name, version=shape.version,
            identity=self.ids.new(), state="steps_in_process", priority=0, rank=self.clock.now() // 1_000,
            total_steps=len(shape.steps), context="{}", initiator="test", source_system="tests", reason="asked",
            tags="[]", correlation_id=self.ids.new(), parent_correlation_id=None, idempotency_key=None,
            requested_at=self.clock.now(), created_at=self.clock.now(),
        )  # fmt: skip
        return replace(task, **changes)

    def create(self, *tasks: NewTask, all_or_none: bool = True) -> set[str]:
        """The UUIDs of those of ``tasks`` that were written."""
        return set(self.written(tasks, all_or_none=all_or_none).written)

    def written(self, tasks: Sequence[NewTask], claim: Claim | None = None, *, all_or_none: bool = True) -> Creation:
        """Write ``tasks`` and let ``claim`` take what is ready of them."""
        now = self.clock.now()
        return self.store.tasks.create(tasks, self.ids.stamp(), now, all_or_none=all_or_none, claim=claim)

    def task(self, shape: Shape, **changes: Any) -> int:
        """A new task of ``shape``, written; its number."""
        (number,) = self.tasks(shape, 1, **changes)
        return number

    def tasks(self, shape: Shape, count: int, **changes: Any) -> list[int]:
        """That many new tasks of ``shape``, written in one call; their numbers."""
        tasks = [self.new_task(shape, **changes) for _ in range(count)]
        written = self.written(tasks).written
        return [written[task.id] for task in tasks]

    def hire(self, **changes: Any) -> int:
        """Register a worker; its number."""
        now = self.clock.now()
        worker = WorkerRow(0, self.ids.new(), "w", "host", "boot", 1, 1, "0", 10, "[]", "live", now, now)
        return self.store.workers.register(worker._replace(**changes))

    def claim(self, *lanes: str, room: int = 10_000, worker: int | None = None) -> list[Held]:
        """What ``worker`` (else the stage's own) gets of ``lanes``."""
        stamp = self.ids.stamp()
        claim = Claim(self.worker if worker is None else worker, lanes, room)
        rows = self.store.steps.claim(claim, stamp, self.clock.now())
        return [Held(row, stamp) for row in rows]

    def claim_all(self, shape: Shape, worker: int | None = None) -> list[Held]:
        return self.claim(*dict.fromkeys(shape.lanes), worker=worker)

    def enqueue_due(self) -> int:
        return self.store.steps.enqueue_due(self.ids.stamp(), self.clock.now(), "test")[0]

    def cancel(self, task: int) -> bool:
        return self.store.tasks.cancel(task, self.ids.stamp(), self.clock.now(), "ann", "no longer wanted")

    def settle(
        self, *rulings: Ruling, claim: Claim | None = None, dead: Sequence[DeadLetter] = (), store: Store | None = None
    ) -> Settlement:
        """Apply ``rulings`` in one transaction, through another Store object if one is given."""
        steps = (store or self.store).steps
        return steps.settle(rulings, self.ids.stamp(), self.clock.now(), "test", claim, dead)

    def state(self, task: int) -> str:
        return self.store.tasks.states([task])[task]

    def steps(self, task: int) -> dict[str, str]:
        """The states of a task's steps by name."""
        steps, _ = self.store.tasks.steps([task])
        return {row.name: row.state for row in steps[task]}

    def retry(self, held: Held, seconds: float = 1.0) -> Ruling:
        """``held`` failed and may run again in ``seconds``."""
        run_at = self.clock.now() + round(seconds * 1_000_000)
        return _ruling(held, StepState.WAITING_FOR_RETRY, Ending.FAILED, run_at=run_at, error='{"message":"later"}')


def complete(held: Held, result: str = '{"result":{"ok":true}}') -> Ruling:
    return _ruling(held, StepState.COMPLETE, Ending.OK, result=result)


def fail(held: Held) -> Ruling:
    """``held`` failed for good."""
    return _ruling(held, StepState.ERROR, Ending.FAILED, error='{"message":"never"}')


def hand_back(held: Held) -> Ruling:
    return _ruling(held, StepState.ENQUEUED, Ending.RELEASED, spends=False, crashes=held.row.crashes)


def lose(held: Held, state: StepState = StepState.ENQUEUED) -> Ruling:
    return _ruling(held, state, Ending.LOST, error='{"message":"lost"}', crashes=held.row.crashes + 1)


def _ruling(
    held: Held, state: StepState, ending: Ending, *, run_at: int = 0, result: str | None = None,
    error: str | None = None, spends: bool = True, crashes: int = 0,
) -> Ruling:  # fmt: skip
    verdict = Verdict(held.key, state, run_at, str(ending), result, error, spends, crashes)
    return Ruling(verdict, held.row.attempt, ending)


def tables(store: Store, *names: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that stands in these tables (all of them if none is named), read beside the store."""
    return {name: sorted(_select(store, f"select * from {{{name}}}"), key=repr) for name in names or TABLES}


def orphans(store: Store) -> dict[str, int]:
    """How many rows of the tables that grow with steps name a task that isn't there."""
    question = "select count(*) from {{{}}} where task_id not in (select id from {{tasks}})"
    return {name: int(_select(store, question.format(name))[0][0]) for name in PER_STEP}


def _select(store: Store, question: str) -> list[tuple[Any, ...]]:
    """The rows of a query in which tables are written ``{steps}``."""
    database = store.database
    if isinstance(database, SqliteDatabase):
        named = question.format_map({name: f"tasker_{name}" for name in TABLES})
        connection = sqlite3.connect(database.path)
        try:
            return connection.execute(named).fetchall()
        finally:
            connection.close()
    assert isinstance(database, PostgresDatabase)
    named = question.format_map({name: f'"{database.schema}".{name}' for name in TABLES})
    with database.connect_directly() as beside:
        return beside.execute(named.encode()).fetchall()
