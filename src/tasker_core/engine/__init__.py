"""The engine: create, claim, settle, cancel, reset, sweep. A transaction a step, decided in Python, applied in SQL."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tasker_core.clock import SECOND, Clock, Ids, RandomIds
from tasker_core.engine.analytics import Analytics
from tasker_core.engine.beat import Heard, beat
from tasker_core.engine.board import Board
from tasker_core.engine.bulk import Bulk
from tasker_core.engine.catalog import Catalog, Registered
from tasker_core.engine.claim import Claimer
from tasker_core.engine.counting import count_moved
from tasker_core.engine.create import Created, Creator
from tasker_core.engine.create_each import create_each
from tasker_core.engine.database_clock import DatabaseClock, clock_of
from tasker_core.engine.dead_letters import DeadLetters
from tasker_core.engine.doctor import examine
from tasker_core.engine.events import Events
from tasker_core.engine.explain import explain
from tasker_core.engine.gates import Gates
from tasker_core.engine.growing import brings_about
from tasker_core.engine.hints import Hints
from tasker_core.engine.known import Known
from tasker_core.engine.limits import Limits
from tasker_core.engine.listings import Listings
from tasker_core.engine.memory import Memory
from tasker_core.engine.namespaces import Namespaces
from tasker_core.engine.operator import Operator
from tasker_core.engine.prune import Pruned, Pruner
from tasker_core.engine.requests import TaskRequest
from tasker_core.engine.requeue import Requeuer
from tasker_core.engine.settle import Settler
from tasker_core.engine.staleness import Vigilance, Watchman
from tasker_core.engine.step_transaction import StepTransaction
from tasker_core.engine.subscriptions import Subscriptions
from tasker_core.engine.sweep import Sweeper
from tasker_core.engine.views import Views
from tasker_core.engine.wake import Wake
from tasker_core.engine.workers import Workers
from tasker_core.errors import ClientError, TaskNotFoundError
from tasker_core.rules.breaker import NO_BREAKERS, BreakerPolicy
from tasker_core.rules.diagnosis import Diagnosis
from tasker_core.rules.explanation import Explanation
from tasker_core.rules.template import Template
from tasker_core.store import Store
from tasker_core.store.settling import Settlement
from tasker_core.store.steps import Look
from tasker_core.words import (
    ClaimRequest,
    Ending,
    JsonText,
    Lease,
    LeaseKey,
    Micros,
    Outcome,
    Reply,
    Report,
    Settled,
    Word,
)

__all__ = ["Created", "Engine", "Heard", "Known", "Pruned", "Registered", "StepTransaction", "TaskRequest"]

LEASE_TIME: Micros = 10 * SECOND


class Engine:
    """The verbs of the orchestrator on one store; safe to share between threads.

    ``clock``, ``ids`` and ``roll`` (numbers in [0, 1) that spread the retries) are parameters, so that tests own time
    and chance. ``retention`` (microseconds) is for how long finished tasks are kept; None is for ever.
    ``environment`` is the one whose changes templates are taken with; ``enforce_schemas`` takes every template to say
    ``schema_validation: enforce``. ``vigilance`` says how tasks that stand still are looked for; None doesn't look.
    ``buries`` is whether dead letters are written without anybody asking for it. ``breakers`` says when the breakers of
    handlers open.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        roll: Callable[[], float] = random.random,
        lease_time: Micros = LEASE_TIME,
        retention: Micros | None = None,
        environment: str = "",
        enforce_schemas: bool = False,
        vigilance: Vigilance | None = None,
        buries: bool = True,
        breakers: BreakerPolicy = NO_BREAKERS,
    ) -> None:
        self.store = store
        self.clock = clock or clock_of(store.database)
        self.ids = ids or RandomIds()
        self.lease_time = lease_time
        self.wake = Wake()
        self._hints = Hints(store.database, self.ids.new(), self.wake.hear)
        if store.database.can_hint:
            self.wake.tell = self._hints.send
        self._memory = Memory()
        self.gates = Gates(store, self.clock, breakers)
        self.limits = Limits(store, self.gates, self.clock, self.ids, lambda: self.wake.ready(None))
        self.catalog = Catalog(store, self.clock, self.ids, environment=environment, enforce_schemas=enforce_schemas)
        self.catalog.declare = self._declare
        self.views = Views(store, self.catalog, self.clock)
        self.listings = Listings(store, self.catalog)
        self.analytics = Analytics(store, self.catalog, self.clock)
        self.board = Board(store, self.catalog, self.clock)
        self.workers = Workers(store, self.board)
        self.events = Events(store, self.catalog)
        self.subscriptions = Subscriptions(store, self.events, self.clock, self.ids)
        self._claimer = Claimer(store, self.catalog, self._memory, self.gates, self.clock, self.ids)
        self._creator = self._create_on(store, self.wake)
        self._settler = Settler(
            store, self.catalog, self._memory, self.gates, self.clock, self.ids, roll, buries=buries
        )
        self.operator = Operator(store, self.catalog, self._memory, self.wake, self.clock, self.ids)
        self.watchman = Watchman(store, self.catalog, self.operator, self.clock, self.ids, vigilance, buries=buries)
        self.dead_letters = DeadLetters(store, self.catalog, self.watchman, self.clock)
        self.requeuer = Requeuer(store, self.operator, self.clock, self.ids)
        self.bulk = Bulk(store, self.operator)
        self.namespaces = Namespaces(store, self.wake, self.clock, self.ids)
        self._pruner = Pruner(store, self.clock, retention)
        self._sweeper = Sweeper(store, self._settler, self.clock, self.ids, lease_time, self._do_chores)

    def _do_chores(self) -> None:
        """What the process that has the duty does besides sweeping."""
        self.watchman.look()
        self._pruner.keep()
        self.gates.keep()

    def create(self, requests: Sequence[TaskRequest], *, refuse_duplicates: bool = True) -> list[Created]:
        """Create tasks, all or none; see ``Creator.create``. Returns after the commit."""
        return self._creator.create(requests, refuse_duplicates=refuse_duplicates)

    @contextmanager
    def join(self, connection: object) -> Iterator[tuple[Creator, Views]]:
        """The verb ``create``, and views of what it made, in the open transaction of an application's ``connection``.

        Nobody is told of such a task: it is there when the application commits, which only the application sees.
        """
        with self.store.database.join(connection) as access:
            store = Store(self.store.database, access)
            yield self._create_on(store, Wake()), Views(store, self.catalog, self.clock)

    def _create_on(self, store: Store, wake: Wake) -> Creator:
        return Creator(store, self.catalog, self._memory, self._claimer, wake, self.clock, self.ids)

    def create_each(self, requests: Sequence[TaskRequest]) -> list[Created | ClientError]:
        """Create tasks of many callers in one transaction, each for itself; see ``create_each``."""
        return create_each(self._creator, requests)

    def _declare(self, template: Template) -> None:
        if self.gates.declare(template):
            self.wake.ready(None)

    def claim(self, request: ClaimRequest) -> Reply:
        """Ready steps for a worker."""
        return Reply({}, self._claimer.claim(request))

    def settle(
        self, reports: Sequence[Report], actor: str, request: ClaimRequest | None = None, *, but: object = None
    ) -> Reply:
        """Settle what a worker reports and, in the same transaction, hand it the next ready steps.

        ``but`` is the ready-listener of the worker that asks: it needs no hint about what it frees itself.
        """
        if not reports:
            return self.claim(request) if request is not None else Reply({}, ())
        answers, settlements = self._settler.settle(reports, actor, self.gates.as_claim(request) if request else None)
        for done in settlements:
            self.wake.rested(done.rested)
            if done.ready:
                self.wake.ready(done.ready)
        leases: list[Lease] = []
        last = settlements[-1] if settlements else None
        if request is not None and last is not None and last.claimed:
            leases = self._claimer.leases(last.claimed, request, last.now)
        events = [event for done in settlements for event in done.events]
        if events:
            self.wake.published()
        if self.wake.reaches_others(but):
            applied = [report for report in reports if answers[report.outcome.key] is Settled.APPLIED]
            self._hint_at(applied, request, len(leases), but)
        return Reply(answers, leases, events)

    def lend(self) -> StepTransaction:
        """A connection for the handler of a step, in a transaction in which the step is settled as well."""
        return StepTransaction(self.store.database.lend(), self._settler, self._tell_of)

    def _tell_of(self, report: Report, done: Settlement) -> None:
        self.wake.rested(done.rested)
        if done.events:
            self.wake.published()
        if done.ready:
            self.wake.ready(done.ready)
        if self.wake.reaches_others(None):
            self._hint_at([report], None, 0, None)

    def _hint_at(self, reports: Sequence[Report], request: ClaimRequest | None, claimed: int, but: object) -> None:
        """Tell other workers where something may be ready that this reply didn't take."""
        if any(
            report.outcome.ending in (Ending.RELEASED, Ending.LOST)
            or brings_about(self.catalog.known(report.template), report.outcome)
            for report in reports
        ):
            self.wake.ready(None, but=but)
            return
        taken = set(request.lanes) if request is not None and claimed < request.room else set()
        left = {lane: report.rank for report in reports for lane in self._lanes_behind(report) if lane not in taken}
        if left:
            self.wake.ready(left, but=but)

    def _lanes_behind(self, report: Report) -> Sequence[str]:
        """Where something may be ready once ``report`` was settled."""
        known, outcome = self.catalog.known(report.template), report.outcome
        if outcome.ending is Ending.YIELDED:
            return (known.lane(outcome.key.no),)
        # The failure of an instance leaves its place to another one, or frees what waited for it.
        frees = outcome.ending is Ending.OK or known.batch_of(outcome.key.no) is not None
        return known.lanes_behind(outcome.key.no) if frees else ()

    def look(self, lanes: Sequence[str]) -> Look:
        """What a worker needs to know before it claims; what it didn't know of limits and breakers it knows then."""
        look = self.store.steps.look(lanes)
        self.gates.learn(look.gates)
        if not self.gates.are_any:
            return look
        aside = self.gates.waiting(lanes)
        every = {**aside, **{lane: min(rank, aside.get(lane, rank)) for lane, rank in look.waiting.items()}}
        waiting = self.gates.let_through(every)
        return replace(look, waiting=waiting, is_held=len(waiting) < len(every))

    def beat(self, worker: int, believed: Collection[LeaseKey]) -> Heard:
        """Renew a worker's heartbeat; what it really holds."""
        if isinstance(self.clock, DatabaseClock):
            self.clock.learn()
        return beat(self.store, self.clock, worker, believed)

    @property
    def hears_hints(self) -> bool:
        """Whether other processes' commits are noticed here without looking for what waits."""
        return self._hints.is_heard or self.store.database.change_mark() >= 0

    def hear_hints(self) -> None:
        """Begin to hear the hints of other processes."""
        self._hints.listen()

    def give_back(self, worker: int, keys: Collection[LeaseKey], reason: str) -> None:
        """Put leases that are recorded to ``worker`` back into the queue; no attempt is spent."""
        held = self.store.steps.held_by(worker)
        rows = [row for key, row in held.items() if key in keys]
        if rows:
            reports = [
                Report(
                    Outcome(LeaseKey(row.task_id, row.no, row.fence), Ending.RELEASED, reason=reason),
                    row.template_id,
                    row.name,
                    row.attempt,
                    row.crashes,
                )
                for row in rows
            ]
            self.settle(reports, f"worker {worker}")

    def sweep(self) -> int:
        """Put the steps of dead workers back into the queue; how many."""
        freed = self._sweeper.sweep()
        if freed:
            self.wake.ready(None)
        return freed

    def stop_sweeping(self) -> None:
        """Leave sweeping to another process."""
        self._sweeper.stop()

    def enqueue_due(self, actor: str) -> int:
        """Put steps whose retry time has come into the queue; how many."""
        enqueued, moved = self.store.steps.enqueue_due(self.ids.stamp(), self.clock.now(), actor)
        count_moved(moved.values())
        return enqueued

    def number(self, task: str) -> int:
        """The number in the store of the task with this UUID. Raises TaskNotFoundError."""
        numbers = self.store.tasks.numbers([task])
        if task not in numbers:
            raise TaskNotFoundError(f"there is no task {task}")
        return numbers[task]

    def remembered(self, task: str) -> int | None:
        """The same, without asking the store, of a task that this process knew as unfinished a moment ago."""
        return self._memory.number(task)

    def result_of(self, task: int, template: str, step: str) -> JsonText | None:
        """The stored result of a finished step; None when it hasn't finished or has none."""
        no = self.catalog.known(template).numbers.get(step)
        if no is None:
            return self.store.steps.result_of_instance(task, step)
        _, results = self.store.steps.inputs((), [(task, no)])
        return results.get((task, no))

    def cancel(self, task: str, *, actor: str, reason: str = "") -> None:
        """Cancel ``task``: what hasn't begun never will, what runs is told and its result refused.

        Raises TaskNotFoundError, and TaskStateError for a task that is final.
        """
        self.operator.cancel(task, Word(actor, reason))

    def explain(self, task: str) -> Explanation:
        """Why ``task`` isn't finished, step by step, or how it came to rest. Raises TaskNotFoundError."""
        return explain(self.store, self.catalog, self.clock, self.lease_time, task)

    def doctor(self, *, deep: bool = False) -> Diagnosis:
        """Whether all is well with the store and with those who work on it, and what to do where it isn't."""
        return examine(self.store, self.clock, self.lease_time, deep=deep)

    def prune(
        self, older_than: Micros, *, namespace: str | None = None, limit: int | None = None, dry_run: bool = False
    ) -> Pruned:
        """Drop tasks that were finished more than ``older_than`` microseconds ago; see ``Pruner.prune``."""
        return self._pruner.prune(older_than, namespace=namespace, limit=limit, dry_run=dry_run)

    def close(self) -> None:
        self._hints.stop()
        self.store.close()
