"""Steps in the store: settle a batch of verdicts, hand ready steps to a worker, find what is due or abandoned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic_core import from_json

from tasker_core.store.database import Access, Call, Rows, as_json
from tasker_core.store.rows import ClaimedRow, HeldRow, InputRow, StepRow
from tasker_core.store.warnings import RESULT_SCHEMA, warning_rows
from tasker_core.words import Ending, JsonText, LeaseKey, Micros, StepState, Verdict, Violation


class Ruling(NamedTuple):
    """A verdict, with what the audit keeps beside it."""

    verdict: Verdict
    attempt: int
    ending: Ending
    violations: Sequence[Violation] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks for how many steps of which lanes; ``lanes`` are tried in this order."""

    worker: int
    lanes: Sequence[str]
    room: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    id: str
    key: LeaseKey
    reason: str
    detail: JsonText


class Born(NamedTuple):
    """A step that a decision brings about: the parents that it has, and how many of them it waits for."""

    no: int
    name: str
    lane: str
    parents: Sequence[int]
    waits: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a settling transaction really did."""

    stamp: int
    now: Micros
    applied: frozenset[LeaseKey]
    rested: Mapping[int, str]
    claimed: Sequence[ClaimedRow]


SETTLED = 1
"""Where in a settlement's answers that of ``settle_steps`` stands: how many steps it changed."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a worker sees without claiming: which of its lanes wait (lane -> rank of the first), when the next retry is
    due, and a mark that changes with the registered templates."""

    waiting: Mapping[str, int]
    next_due: Micros | None
    templates: tuple[int, int]


class Steps:
    """What can be said about steps."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def settle(
        self, rulings: Sequence[Ruling], stamp: int, now: Micros, actor: str,
        claim: Claim | None = None, dead: Sequence[DeadLetter] = (),
    ) -> Settlement:  # fmt: skip
        """Apply ``rulings`` and, last, hand the next ready steps to ``claim.worker``: one transaction.

        A ruling whose lease doesn't stand on its step any more changes nothing and is missing from ``applied``.
        """
        order = _Order(rulings, stamp, now, actor, claim, dead)
        return self._settlement(order, self._database.write(*order.calls))

    def settle_decision(
        self, key: LeaseKey, judge: Callable[[Mapping[int, str]], tuple[Ruling, Sequence[Born]]],
        stamp: int, now: Micros, actor: str, claim: Claim | None = None,
    ) -> Settlement:  # fmt: skip
        """Settle a step whose outcome depends on which steps its task has, and write those that it brings about.

        ``judge`` is asked under the task's lock, with the states of its steps by number: else two decisions of one
        task could each take the other for undecided, and what waits for both would never come into being.
        """
        task = as_json([key.task])
        with self._database.transaction() as transaction:
            _, rows = transaction.run(Call("lock_tasks", {"tasks": task}), Call("steps_of_tasks", {"tasks": task}))
            ruling, born = judge({row.no: row.state for row in map(StepRow._make, rows)})
            order = _Order([ruling], stamp, now, actor, claim, (), born)
            answers = transaction.run(*order.calls)
        return self._settlement(order, answers)

    def _settlement(self, order: _Order, answers: Sequence[Rows]) -> Settlement:
        ((applied,),) = answers[SETTLED]
        return Settlement(
            stamp=order.stamp,
            now=order.now,
            applied=frozenset(self._applied(order.rulings, applied, order.stamp, order.batch)),
            rested=dict(answers[order.rest]),
            claimed=claimed_rows(answers[-1]) if order.claim else (),
        )

    def _applied(self, rulings: Sequence[Ruling], count: int, stamp: int, batch: str) -> Iterable[LeaseKey]:
        if count == len(rulings):
            return (ruling.verdict.key for ruling in rulings)
        (rows,) = self._database.read(Call("settled_steps", {"batch": batch, "tx": stamp}))
        return map(LeaseKey._make, rows)

    def claim(self, claim: Claim, stamp: int, now: Micros) -> Sequence[ClaimedRow]:
        """Ready steps for a worker."""
        return claimed_rows(self._database.write(*claim_calls(claim, stamp, now))[-1])

    def look(self, lanes: Sequence[str]) -> Look:
        """What a worker needs to know before it claims, in one round trip."""
        rows, ((due,),), ((count, newest),) = self._database.read(
            Call("waiting_lanes", {"lanes": as_json(list(lanes))}), Call("next_due", {}), Call("template_mark", {})
        )
        return Look({lane: rank for lane, rank in rows if rank is not None}, due, (count, newest))

    def claimed_before(self, worker: int, stamp: int) -> Sequence[ClaimedRow]:
        """The leases of one earlier claim, for a request that is repeated because its answer was lost."""
        return claimed_rows(self._database.read(Call("claimed_steps", {"worker": worker, "tx": stamp}))[0])

    def reported_before(
        self, keys: Collection[LeaseKey]
    ) -> dict[LeaseKey, tuple[str, JsonText | None, JsonText | None]]:
        """(ending, result, error) of those of ``keys`` whose attempts have ended."""
        batch = as_json([{"task": key.task, "step": key.no} for key in keys])
        (rows,) = self._database.read(Call("reported_before", {"batch": batch}))
        found = {LeaseKey(*row[:3]): (row[3], row[4], row[5]) for row in rows}
        return {key: found[key] for key in keys if key in found}

    def record_rejected(self, rejected: Iterable[tuple[LeaseKey, int]], reason: str, now: Micros, actor: str) -> None:
        """Write down that late reports were refused; each with a stamp of its own."""
        late = list(rejected)
        batch = [{"task": k.task, "step": k.no, "stamp": stamp, "reason": reason} for k, stamp in late]
        self._database.write(
            # Without the lock a row could be written for a task that is being pruned.
            Call("lock_tasks", {"tasks": as_json(sorted({key.task for key, _ in late}))}),
            Call("record_rejected", {"batch": as_json(batch), "now": now, "actor": actor}),
        )

    def held_by(self, worker: int) -> dict[LeaseKey, HeldRow]:
        """The leases recorded to ``worker``."""
        (rows,) = self._database.read(Call("leases_of", {"worker": worker}))
        return {LeaseKey(*row[:3]): HeldRow(*row) for row in rows}

    def abandoned(self) -> Sequence[HeldRow]:
        """Steps in progress without a live worker, at most 200."""
        (rows,) = self._database.read(Call("abandoned_steps", {}))
        return [HeldRow(*row) for row in rows]

    def next_due(self) -> Micros | None:
        """When the next retry is due; None when no step waits for one."""
        ((row,),) = self._database.read(Call("next_due", {}))
        due: Micros | None = row[0]
        return due

    def enqueue_due(self, stamp: int, now: Micros, actor: str) -> int:
        """Put steps whose retry time has come into the queue, at most 200; how many."""
        (due,) = self._database.read(Call("due_steps", {"now": now}))
        if not due:
            return 0
        batch = as_json([{"task": task, "step": no} for task, no in due])
        tasks = as_json(sorted({task for task, _ in due}))
        hot = {"batch": batch, "tasks": tasks, "tx": stamp, "now": now, "actor": actor}
        names = ("lock_tasks", "enqueue_due", "rest_tasks", "record_rest")
        return len(self._database.write(*(Call(name, hot) for name in names))[1])

    def inputs(
        self, tasks: Collection[int], steps: Collection[tuple[int, int]]
    ) -> tuple[dict[int, InputRow], dict[tuple[int, int], JsonText | None]]:
        """Contexts of ``tasks`` and results of the finished ones of ``steps``, in one round trip."""
        inputs, results = self._database.read(
            Call("inputs_of_tasks", {"tasks": as_json(list(tasks))}),
            Call("results_of_steps", {"steps": as_json([{"task": t, "step": n} for t, n in steps])}),
        )
        return {row[0]: InputRow(*row) for row in inputs}, {(row[0], row[1]): row[2] for row in results}


class _Order:
    """The statements of a settling transaction; ``rest`` is where the one stands that moves the tasks."""

    def __init__(
        self, rulings: Sequence[Ruling], stamp: int, now: Micros, actor: str, claim: Claim | None,
        dead: Sequence[DeadLetter], born: Sequence[Born] = (),
    ) -> None:  # fmt: skip
        self.rulings, self.stamp, self.now, self.claim = rulings, stamp, now, claim
        self.batch = as_json([_hot(ruling) for ruling in rulings])
        payloads = as_json([_cold(ruling) for ruling in rulings])
        tasks = as_json(sorted({ruling.verdict.key.task for ruling in rulings}))
        hot = {"batch": self.batch, "tasks": tasks, "tx": stamp, "now": now, "actor": actor}
        self.calls = calls = [
            Call("lock_tasks", hot),
            Call("settle_steps", hot),
            Call("record_attempts", {"payloads": payloads, "tx": stamp}),
        ]
        if born:
            calls += _born_calls(rulings[0].verdict.key, born, stamp, now)
        calls.append(Call("free_children", hot))
        if any(ruling.verdict.state is not StepState.COMPLETE for ruling in rulings):
            calls.append(Call("trouble_tasks", hot))
        if any(ruling.verdict.state is StepState.ENQUEUED for ruling in rulings):
            calls.append(Call("date_queued_steps", hot))
        self.rest = len(calls)
        calls += [Call("rest_tasks", hot), Call("record_rest", hot)]
        if any(ruling.violations for ruling in rulings):
            calls.append(Call("insert_step_warnings", {"warnings": _warnings(rulings), "tx": stamp, "now": now}))
        if dead:
            calls.append(Call("bury_steps", {"dead": _dead(dead), "tx": stamp, "now": now}))
        if claim:
            calls += claim_calls(claim, stamp, now)


def _born_calls(decision: LeaseKey, born: Sequence[Born], stamp: int, now: Micros) -> list[Call]:
    task, no, held = decision
    by = {"task": task, "decision": no, "held": held}
    steps = [{**by, "step": b.no, "name": b.name, "lane": b.lane, "waits": b.waits} for b in born]
    edges = [{**by, "parent_no": parent, "child_no": b.no} for b in born for parent in b.parents]
    return [
        Call("insert_born_steps", {"steps": as_json(steps), "tx": stamp, "now": now}),
        Call("insert_born_edges", {"edges": as_json(edges), "tx": stamp}),
        Call("count_steps", {"task": task}),
    ]


def claim_calls(claim: Claim, stamp: int, now: Micros) -> list[Call]:
    """The statements of a claim, one per lane; the last one's answer is what was claimed."""
    who = {"worker": claim.worker, "tx": stamp}
    lanes = [Call("claim_lane", {**who, "lane": lane, "room": claim.room, "now": now}) for lane in claim.lanes]
    return [*lanes, Call("claimed_steps", who)]


def claimed_rows(answer: Rows) -> list[ClaimedRow]:
    """What the last statement of a claim answered."""
    ((text,),) = answer
    return [ClaimedRow._make(row) for row in from_json(text)] if text else []


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
            for row in warning_rows({"task": task, "step": no, "held": fence}, RESULT_SCHEMA, ruling.violations)
        ]
    )


def _dead(dead: Sequence[DeadLetter]) -> str:
    return as_json(
        [
            {
                "id": d.id,
                "task": d.key.task,
                "step": d.key.no,
                "held": d.key.fence,
                "reason": d.reason,
                "detail": d.detail,
            }
            for d in dead
        ]
    )
