"""Burial: a dead letter is written in the transaction that it tells of, with what its task was like just then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasker_core.rules.snapshot import (
    LARGEST_CONTEXT,
    LARGEST_ERROR,
    LARGEST_RESULT,
    MOST_ATTEMPTS,
    MOST_STEPS,
    MOST_TRANSITIONS,
    AttemptThen,
    StepThen,
    TaskThen,
    TransitionThen,
    snapshot,
)
from tasker_core.store.database import Call, Transaction, as_json
from tasker_core.words import JsonText, LeaseKey, Micros


class Letter(NamedTuple):
    """A dead letter to be written: of a step of a task, or with ``no`` 0 of the whole task."""

    id: str
    task: int
    no: int
    reason: str
    detail: JsonText
    fingerprint: str = ""
    title: str = ""


class DeadLetter(NamedTuple):
    """One that is written if the ruling on this lease applies."""

    key: LeaseKey
    letter: Letter


def bury_steps(transaction: Transaction, dead: Sequence[DeadLetter], stamp: int, now: Micros) -> list[Letter]:
    """Write the letters of those steps that this transaction ended, one for each task; which."""
    batch = [{"task": key.task, "step": key.no, "held": key.fence} for key, _ in dead]
    (rows,) = transaction.run(Call("steps_to_bury", {"dead": as_json(batch), "tx": stamp}))
    ended = {LeaseKey(*row) for row in rows}
    first = {key.task: letter for key, letter in reversed(dead) if key in ended}
    return [letter for letter in first.values() if write(transaction, letter, now)]


def write(transaction: Transaction, letter: Letter, now: Micros) -> bool:
    """Write ``letter`` with a snapshot, under the task's lock; False where the task has a pending one."""
    task = {"task": letter.task}
    found = transaction.run(
        Call("task_then", {**task, "context": LARGEST_CONTEXT}),
        Call("steps_then", {**task, "most": MOST_STEPS}),
        Call(
            "attempts_then", {**task, "most": MOST_ATTEMPTS, "error": LARGEST_ERROR, "result": LARGEST_RESULT}
        ),
        Call("transitions_then", {**task, "most": MOST_TRANSITIONS}),
    )  # fmt: skip
    ((one,), steps, attempts, changes) = found
    then = TaskThen(str(one[0]), *one[1:])
    text = snapshot(
        then, [StepThen(*row) for row in steps], [AttemptThen(*row) for row in attempts],
        [TransitionThen(*row) for row in changes], now,
    )  # fmt: skip
    (written,) = transaction.run(
        Call("insert_letter", {**letter._asdict(), "now": now, "state": then.state, "snapshot": text})
    )
    return bool(written)
