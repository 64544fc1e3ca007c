"""What a settling transaction is told, the statements that it is made of, and what it really did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tasker_core.store.claiming import Claim, claim_calls
from tasker_core.store.database import Call, as_json
from tasker_core.store.rows import ClaimedRow
from tasker_core.store.warnings import RESULT_SCHEMA, warning_rows
from tasker_core.words import Ending, JsonText, LeaseKey, Micros, StepState, Verdict, Violation


class Ruling(NamedTuple):
    """A verdict, with what the audit keeps beside it."""

    verdict: Verdict
    attempt: int
    ending: Ending
    violations: Sequence[Violation] = ()


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


class Order:
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
