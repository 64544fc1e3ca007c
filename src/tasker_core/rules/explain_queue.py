"""Why does a ready step wait? Who serves its handler, and what stands before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tasker_core.rules import spelling
from tasker_core.rules.explanation import Reason, ReasonKind, counted, listed
from tasker_core.rules.facts import MOST_AHEAD, Facts, StepFact, WorkerFact
from tasker_core.words import Micros

MOST_NAMED = 20
"""Parents or workers that the details of a reason list."""
MOST_GUESSES = 5
"""Handlers for which what is near is looked for: comparing thousands with thousands of names would take seconds."""


@dataclass(frozen=True, slots=True)
class Crew:
    """The live workers that serve a lane."""

    names: tuple[str, ...]
    slots: int
    held: int
    is_busy: bool

    @property
    def text(self) -> str:
        who = listed(self.names, 3)
        if self.is_busy:
            return f"waits in the queue: all {self.slots} slots of {who} are busy"
        return f"ready, and {who} will take it ({self.slots - self.held} of {self.slots} slots are free)"


class Queues:
    """The lanes in which steps of one task wait; steps are asked about in their order."""

    def __init__(self, facts: Facts, now: Micros, lease_time: Micros) -> None:
        self._workers, self._ahead = facts.workers, facts.ahead
        self._live = [worker for worker in facts.workers if is_live(worker, now, lease_time)]
        self._served = {lane for worker in self._live for lane in worker.lanes}
        self._crews: dict[str, Crew] = {}
        self._lacking: dict[str, Reason] = {}
        self._taken: Counter[str] = Counter()

    @property
    def has_live_worker(self) -> bool:
        return bool(self._live)

    def reason(self, step: StepFact) -> Reason:
        """Why ``step``, which is ready, isn't running."""
        lane = step.lane
        if lane not in self._served:
            if lane not in self._lacking:
                self._lacking[lane] = self._nobody_serves(step)
            known = self._lacking[lane]
            return Reason(known.kind, known.text, step.enqueued_at, known.details)
        crew = self._crews.get(lane)
        if crew is None:
            crew = self._crews[lane] = crew_of([worker for worker in self._live if lane in worker.lanes])
        before, own = self._ahead.get(lane, 0), self._taken[lane]
        self._taken[lane] += 1
        text = crew.text
        if before or own:
            least = " at least" if before == MOST_AHEAD else ""
            text += f"; behind{least} {counted(before, 'step')} of other tasks and {own:,} of its own"
        details = {
            "handler": handler_of(lane), "namespace": namespace_of(lane), "ahead": before + own,
            "ahead_of_other_tasks": before, "slots": crew.slots, "busy_slots": crew.held,
            "workers": list(crew.names[:MOST_NAMED]),
        }  # fmt: skip
        return Reason(ReasonKind.WAITS_IN_QUEUE, text, step.enqueued_at, details)

    def _nobody_serves(self, step: StepFact) -> Reason:
        handler, namespace = handler_of(step.lane), namespace_of(step.lane)
        guess = len(self._lacking) < MOST_GUESSES
        near = near_lanes(step.lane, self._served) if guess else []
        silent = [worker.name for worker in self._workers if step.lane in worker.lanes]
        text = f"no live worker serves the handler {handler!r} of namespace {namespace!r}"
        if silent:
            text += f"; {listed(silent, 3)} did, and has gone silent or is stopping"
        elif not self._live:
            text += ": no worker lives at all"
        elif near:
            text += f"; served are {listed([repr(name) for name in near])}"
        details = {"handler": handler, "namespace": namespace, "nearest": near, "live_workers": len(self._live)}
        return Reason(ReasonKind.NO_WORKER, text, step.enqueued_at, details)


def crew_of(workers: Collection[WorkerFact]) -> Crew:
    """These workers taken together."""
    return Crew(
        tuple(worker.name for worker in workers),
        sum(worker.slots for worker in workers),
        sum(min(worker.held, worker.slots) for worker in workers),
        all(worker.held >= worker.slots for worker in workers),
    )


def is_live(worker: WorkerFact, now: Micros, lease_time: Micros) -> bool:
    """Does it take steps?"""
    return worker.state == "live" and is_alive(worker, now, lease_time)


def is_alive(worker: WorkerFact, now: Micros, lease_time: Micros) -> bool:
    """Has it been heard of within a lease's time?"""
    return worker.state in ("live", "draining") and worker.beat_at + lease_time >= now


def near_lanes(lane: str, served: Iterable[str]) -> list[str]:
    """What is served and may have been meant: the same handler in another namespace, like names in this one.

    >>> near_lanes("shop/pay", {"shop/pai", "shop/ship", "returns/pay"})
    ['returns/pay', 'pai']
    """
    handler, namespace = handler_of(lane), namespace_of(lane)
    served = sorted(served)
    same = [other for other in served if handler_of(other) == handler]
    own = [handler_of(other) for other in served if namespace_of(other) == namespace]
    likely = spelling.nearest(handler, own)
    return [*same, *([likely] if likely else own[:3])]


def handler_of(lane: str) -> str:
    return lane.partition("/")[2]


def namespace_of(lane: str) -> str:
    return lane.partition("/")[0]
