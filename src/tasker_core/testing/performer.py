"""A worker in the thread of a test: one step at a time, on a clock that it moves itself."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tasker_core.clock import SECOND, ManualClock
from tasker_core.engine import Engine
from tasker_core.engine.processes import this_process
from tasker_core.errors import ResolutionError
from tasker_core.registry import HandlerRegistry
from tasker_core.store.rows import WorkerRow
from tasker_core.testing.crashes import Crash, Crashed
from tasker_core.version import VERSION
from tasker_core.words import ClaimRequest, Lease, Micros, Reply, Report
from tasker_core.worker.attempt import Attempt
from tasker_core.worker.outcomes import without_handler
from tasker_core.worker.publishing import Publishing
from tasker_core.worker.serving import Serving
from tasker_core.worker.transport import InProcess

A_STEP_TAKES = 0.001
"""Seconds on the clock, so that no two things happen at the same instant."""
AT_LEAST = 1.0
"""Seconds by which the clock moves on for steps that wait for a limit or a breaker: when these let one through isn't
known beforehand."""
FOUND_WITHIN = 60
"""Seconds after which a dead worker has been found by all means."""
MOST_ATTEMPTS = 100_000


class Performer:
    """Works as a worker does that dies at ``crash``, and as the one that follows it.

    ``open_engine`` opens an engine for each one's life: what a dead one had in memory is lost.
    """

    def __init__(
        self, open_engine: Callable[[], Engine], clock: ManualClock, registry: HandlerRegistry, crash: Crash | None
    ) -> None:
        self.own: set[str] = set()
        """Callables of templates that are the project's own: these may be imported by their path."""
        self.ran: list[tuple[str, str]] = []
        """(task, step) of each attempt."""
        self.ended: Counter[tuple[str, str]] = Counter()
        """How many attempts of each (task, step) came to an end that was committed."""
        self.commits = 0
        self.has_crashed = False
        self._open_engine, self._clock, self._registry, self._crash = open_engine, clock, registry, crash
        self._publishing = Publishing(_nobody_waits)
        self._begin()

    @property
    def serving(self) -> Serving:
        """What the handlers that are there can serve."""
        self._refresh()
        return self._serving

    def work(self, is_over: Callable[[], bool], until: Micros) -> None:
        """Run what is ready, and move the clock on to what is due next, until it ``is_over``, or nothing more moves, or
        the clock comes to ``until``."""
        while not is_over():
            try:
                if not self._run_what_is_ready() and not self._move_on(until):
                    break
            except Crashed:
                self._recover()
        self._end_publishing()

    # -- a worker's life

    def _begin(self) -> None:
        self._engine = self._open_engine()
        self._transport = InProcess(self._engine)
        self._serving = Serving(self._registry, self.own)
        self._templates: tuple[int, int] = (-1, -1)
        me, now = this_process(), self._clock.now()
        row = WorkerRow(
            0, self._transport.new_id(), "rehearsal", me.host, me.boot, me.pid, me.started, VERSION, 1,
            json.dumps([]), "live", now, now,
        )  # fmt: skip
        self._worker, _ = self._transport.register(row, {})

    def _recover(self) -> None:
        """Another worker, and time until the dead one is found."""
        self.has_crashed = True
        self._end_publishing()
        self._begin()
        for _ in range(FOUND_WITHIN):
            self._clock.advance(1.0)
            self._transport.beat(self._worker, ())
            if self._transport.sweep():
                return

    def _end_publishing(self) -> None:
        self._publishing.stop(5.0)
        self._publishing = Publishing(_nobody_waits)

    def _commit(self, do: Callable[[], Reply]) -> Reply:
        self.commits += 1
        self._crash_at(Crash(self.commits, committed=False))
        reply = do()
        self._crash_at(Crash(self.commits, committed=True))
        return reply

    def _crash_at(self, here: Crash) -> None:
        if here == self._crash:
            raise Crashed

    # -- a worker's work

    def _run_what_is_ready(self) -> bool:
        self._refresh()
        look = self._transport.look(self._serving.lanes_in_order)
        if not look.waiting:
            return False
        lanes = sorted(look.waiting, key=lambda lane: (look.waiting[lane], lane))
        leases = self._commit(lambda: self._transport.claim(self._request(lanes))).leases
        found = bool(leases)
        while leases:
            leases = self._run(leases[0])
        return found

    def _request(self, lanes: Sequence[str]) -> ClaimRequest:
        wants = self._serving.wants
        return ClaimRequest(self._worker, lanes, 1, {lane: wants[lane] for lane in lanes if lane in wants})

    def _run(self, lease: Lease) -> Sequence[Lease]:
        """Run the step and report it; what was claimed with that."""
        self.ran.append((lease.task_uuid, lease.step))
        if len(self.ran) > MOST_ATTEMPTS:
            raise AssertionError(f"step {lease.step} and others ran {MOST_ATTEMPTS:,} times; the task comes to no end")
        self._clock.advance(A_STEP_TAKES)
        try:
            plan = self._serving.plan(lease, self._transport.known(lease.template))
        except ResolutionError as error:
            return self._report(lease, without_handler(lease, error))
        attempt = Attempt(lease, plan, self._transport.result_of, self._transport.lend)
        try:
            result = plan.make().call(attempt.begin())
            report = attempt.finish(_awaited(result) if plan.is_async else result)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            report = attempt.fail(error)
        if report is not None and self._publishing.concerns(attempt, report):
            report = self._publishing.ask(attempt, report)
        if attempt.has_transaction:
            report = self._settle_within(attempt, report)
        return () if report is None else self._report(lease, report)

    def _report(self, lease: Lease, report: Report) -> Sequence[Lease]:
        request = self._request(self._serving.lanes_in_order)

        def settle() -> Reply:
            reply = self._transport.report(self._worker, [report], request)
            self.ended[lease.task_uuid, lease.step] += 1
            return reply

        reply = self._commit(settle)
        self._publishing.settled([report], reply.events)
        return reply.leases

    def _settle_within(self, attempt: Attempt, report: Report | None) -> Report | None:
        left: list[Report | None] = []

        def settle() -> Reply:
            left.append(attempt.settle(report))
            self.ended[attempt.lease.task_uuid, attempt.lease.step] += attempt.is_settled
            return Reply({}, ())

        try:
            self._commit(settle)
        except Crashed:
            if not left:
                attempt.settle(None)
            raise
        if report is not None:
            self._publishing.settled([report], attempt.published)
        return left[0]

    # -- time

    def _refresh(self) -> None:
        look = self._transport.look(())
        if look.templates != self._templates or self._serving.is_outdated:
            self._templates = look.templates
            self._serving.refresh(self._transport.templates())
            self._transport.serve(self._worker, self._serving.lanes, {})

    def _move_on(self, until: Micros) -> bool:
        """To the time of what is due next, or on a little for what a limit holds; False when nothing will move."""
        look = self._transport.look(self._serving.lanes_in_order)
        now = self._clock.now()
        if look.next_due is None and not look.is_held:
            return False
        due = now + round(AT_LEAST * SECOND) if look.next_due is None else max(look.next_due, now)
        if look.is_held:
            due = min(due, now + round(AT_LEAST * SECOND))
        if due > until:
            self._clock.advance((until - now) / SECOND)
            return False
        self._clock.advance((due - now) / SECOND)
        self._transport.beat(self._worker, ())
        self._transport.sweep()
        self._transport.enqueue_due(self._worker)
        return True


def _awaited(handler: Coroutine[Any, Any, Any]) -> Any:
    """What an async handler returns; in a thread of its own where the test's own event loop runs in this one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(handler)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, handler).result()


def _nobody_waits() -> None:
    """Nothing is rung in the thread that rings."""


def unserved(serving: Serving, place: str) -> Collection[str]:
    """Why steps of the template at ``place`` (namespace/name) can't be run."""
    return [why for step, why in serving.missing.items() if step.startswith(f"{place}/")]
