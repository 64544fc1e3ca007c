"""What a settling transaction is told, the statements that it is made of, and what it really did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tasker_core.store.batching import NO_ENDS, BatchEnds, BornBatch, birth_calls, checkpoint_call, end_calls
from tasker_core.store.burial import Letter
from tasker_core.store.claiming import Claim
from tasker_core.store.database import Call, as_json
from tasker_core.store.gating import Noted, note_calls
from tasker_core.store.outbox import FAST, insert_events
from tasker_core.store.rows import ClaimedRow
from tasker_core.store.warnings import RESULT_SCHEMA, Note, note_rows
from tasker_core.words import Ending, Event, LeaseKey, Micros, StepState, Verdict, Violation


class Ruling(NamedTuple):
    """A verdict, with what the audit keeps beside it, and the events that it publishes."""

    verdict: Verdict
    attempt: int
    ending: Ending
    violations: Sequence[Violation] = ()
    events: Sequence[Event] = ()
    notes: Sequence[Note] = ()


class Born(NamedTuple):
    """A step that a decision or an analyzer brings about: its parents, and for how many of them it waits."""

    no: int
    name: str
    lane: str
    parents: Sequence[int]
    waits: int


class Birth(NamedTuple):
    """All that one step's end brings about."""

    steps: Sequence[Born]
    batch: BornBatch | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a settling transaction really did."""

    stamp: int
    now: Micros
    applied: frozenset[LeaseKey]
    rested: Mapping[int, str]
    claimed: Sequence[ClaimedRow]
    buried: Sequence[Letter] = ()
    events: Sequence[Event] = ()
    ready: Mapping[str, int] = field(default_factory=dict)
    """Lanes in which compensations are ready, with the rank of the first."""


SETTLED = 1
"""Where in a settlement's answers that of ``settle_steps`` stands: how many steps it changed."""


class Order:
    """The statements of a settling transaction; ``rest`` is where the one stands that moves the tasks."""

    def __init__(
        self, rulings: Sequence[Ruling], stamp: int, now: Micros, actor: str, claim: Claim | None,
        birth: Birth | None = None, ends: BatchEnds = NO_ENDS, noted: Noted | None = None,
    ) -> None:  # fmt: skip
        self.rulings, self.stamp, self.now = rulings, stamp, now
        self.batch = as_json([_hot(ruling) for ruling in rulings])
        payloads = as_json([_cold(ruling) for ruling in rulings])
        tasks = as_json(sorted({ruling.verdict.key.task for ruling in rulings}))
        hot = {"batch": self.batch, "tasks": tasks, "tx": stamp, "now": now, "actor": actor}
        self.calls = calls = [
            Call("lock_tasks", hot),
            Call("settle_steps", hot),
            Call("record_attempts", {"payloads": payloads, "tx": stamp}),
        ]
        calls.append(Call("free_children", hot))
        if birth:
            calls += _birth_calls(rulings[0].verdict.key, birth, stamp, now)
        if ends:
            calls += end_calls(ends, hot)
        if yielded := [(r.verdict.key, r.verdict.checkpoint) for r in rulings if r.verdict.checkpoint is not None]:
            calls.append(checkpoint_call(yielded, stamp))
        if any(ruling.verdict.state is not StepState.COMPLETE for ruling in rulings):
            calls.append(Call("trouble_tasks", hot))
        if any(ruling.verdict.state is StepState.ENQUEUED for ruling in rulings):
            calls.append(Call("date_queued_steps", hot))
        self.rest = len(calls)
        calls += [Call("rest_tasks", hot), Call("record_rest", hot)]
        if events := [event for ruling in rulings for event in ruling.events if event.mode != FAST]:
            calls.append(insert_events(events, stamp))
        if any(ruling.violations or ruling.notes for ruling in rulings):
            calls.append(Call("insert_step_warnings", {"warnings": _warnings(rulings), "tx": stamp, "now": now}))
        if noted:
            calls += note_calls(noted, claim.gated if claim else (), stamp, now)


def _birth_calls(opener: LeaseKey, birth: Birth, stamp: int, now: Micros) -> list[Call]:
    task, no, held = opener
    by = {"task": task, "opener": no, "held": held, "tx": stamp}
    steps = [(born.no, born.name, born.lane, born.waits) for born in birth.steps]
    edges = [(parent, born.no) for born in birth.steps for parent in born.parents]
    calls = [
        Call("insert_born_steps", {**by, "steps": as_json(steps), "now": now}),
        Call("insert_born_edges", {**by, "edges": as_json(edges)}),
    ]
    if birth.batch is not None:
        calls += birth_calls(birth.batch, opener, stamp)
    return [*calls, Call("count_steps", {"task": task})]


def _hot(ruling: Ruling) -> dict[str, object]:
    verdict = ruling.verdict
    task, no, fence = verdict.key
    return {
        "task": task, "step": no, "held": fence, "state": verdict.state, "run_at": verdict.run_at,
        "refund": 0 if verdict.spends_attempt else 1, "crashes": verdict.crashes,
    }  # fmt: skip


def _cold(ruling: Ruling) -> dict[str, object]:
    verdict = ruling.verdict
    task, no, fence = verdict.key
    return {
        "task": task, "step": no, "held": fence, "attempt": ruling.attempt, "ending": ruling.ending,
        "reason": verdict.reason, "result": verdict.result, "error": verdict.error,
    }  # fmt: skip


def _warnings(rulings: Sequence[Ruling]) -> str:
    return as_json(
        [
            row
            for ruling in rulings
            for task, no, fence in [ruling.verdict.key]
            for row in note_rows(
                {"task": task, "step": no, "held": fence},
                [*((RESULT_SCHEMA, violation) for violation in ruling.violations), *ruling.notes],
            )
        ]
    )
