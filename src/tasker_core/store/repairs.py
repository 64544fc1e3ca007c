"""Repairs in the store: what an operator's word changes in one task, each word in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tasker_core.errors import TaskNotFoundError
from tasker_core.rules.batches import FIRST_INSTANCE, Slots, worker_of
from tasker_core.rules.mend import Batch, Mend, Situation, Standing, Undo
from tasker_core.store.batching import NO_ENDS, BatchEnds, resume_calls
from tasker_core.store.database import Access, Call, Transaction, as_json
from tasker_core.store.settling import Birth, Order, Ruling
from tasker_core.store.warnings import INPUT_SCHEMA, warning_rows
from tasker_core.words import HELD, KEY_MARK, JsonText, Micros, Pause, StepState, TaskState, Violation

Results: TypeAlias = Callable[[Collection[int]], Mapping[int, JsonText | None]]
"""Asks for the results of finished steps of the task, by their numbers."""


@dataclass(frozen=True, slots=True)
class Saying:
    """A word as it is written down."""

    task: int
    stamp: int
    now: Micros
    actor: str
    reason: str
    verb: str = ""

    @property
    def params(self) -> dict[str, object]:
        return {
            "task": self.task, "tasks": as_json([self.task]), "tx": self.stamp, "now": self.now, "actor": self.actor,
            "reason": self.reason, "verb": self.verb,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewContext:
    """What a task works on from now on, what in it doesn't fit the template's schema, and the keys of those steps that
    are limited by one."""

    context: JsonText
    violations: Sequence[Violation] = ()
    keys: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mended:
    """What a word did: the state that its task moved to, if it did; the lanes in which a step is ready now, with the
    rank of the first; the steps that it ended."""

    moved: str | None
    ready: Mapping[str, int]
    ended: Sequence[int] = ()


Then: TypeAlias = Callable[[Transaction, Mended], Mended]
"""What follows what a word did, in its transaction."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """How a step ends, what that brings about and what it means for the batch that the step is an instance of."""

    ruling: Ruling
    birth: Birth | None = None
    ends: BatchEnds = NO_ENDS


class Repairs:
    """What operators can say of a task. A word whose stamp is in the task's audit has been done: then the answer is
    None, and nothing changes."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def mend(
        self, saying: Saying, judge: Callable[[Situation, Results], Mend], edit: NewContext | None = None
    ) -> Mended | None:
        """Do what ``judge`` makes of the task as it stands; what it raises changes nothing."""
        with self._database.transaction() as transaction:
            there = look(transaction, saying)
            if there is None:
                return None
            mend = judge(there, lambda numbers: _results(transaction, saying.task, numbers))
            transaction.run(*mend_calls(saying, there, mend), *(_edit_calls(saying, there, edit) if edit else ()))
        return told(there, mend)

    def settle(self, saying: Saying, judge: Callable[[Situation], ByHand], then: Then | None = None) -> Mended | None:
        """End a step as ``judge`` rules, whose key must carry the step's next fence: it is claimed for that first.

        ``then`` does what follows in the same transaction.
        """
        with self._database.transaction() as transaction:
            there = look(transaction, saying)
            if there is None:
                return None
            done = judge(there)
            (_, no, _), state = done.ruling.verdict.key, done.ruling.verdict.state
            order = Order([done.ruling], saying.stamp, saying.now, saying.actor, None, done.birth, done.ends)
            said, was = saying.params, there.steps[no].state
            changes = [{"no": no, "was": was, "state": state}]
            settling = [
                # The task's transition carries the reason as well.
                Call("record_task", said) if call.statement == "record_rest" else call
                for call in order.calls
            ]
            before = [
                Call("record_taken", {**said, "changes": as_json(changes)}),
                Call("seize_step", {**said, "no": no}),
            ]
            if no >= FIRST_INSTANCE and was is StepState.ERROR:
                # Its failure gave its place to another one, and may have halted the batch.
                before += resume_calls(worker_of(no), said, saying.now)
            answers = transaction.run(*before, *settling, record_call(saying, changes), _epoch(saying, there))
            moved = answers[len(before) + order.rest]
            mended = Mended(moved=moved[0][1] if moved else None, ready={}, ended=[no])
            return then(transaction, mended) if then is not None else mended


def look(transaction: Transaction, saying: Saying) -> Situation | None:
    """The task and its steps, held still until the transaction ends; None where the word has been done.

    Raises TaskNotFoundError for a task that was dropped meanwhile.
    """
    one = saying.params
    names = ("lock_tasks", "task_to_mend", "lock_steps", "dependencies_of_tasks", "batches_of_task")
    _, found, steps, edges, batches = transaction.run(*(Call(name, one) for name in names))
    if not found:
        raise TaskNotFoundError("the task was dropped a moment ago")
    ((uuid, state, undo, done, *pause),) = found
    if done:
        return None
    standing = (
        Standing(no, name, StepState(is_at), lane.removeprefix(HELD), *rest) for no, name, is_at, lane, *rest in steps
    )
    return Situation(
        str(uuid),
        TaskState(state),
        {step.no: step for step in standing},
        [(parent, child) for _, parent, child in edges],
        {
            no: Batch(parallelism, Slots(total, first, free, bool(halted)))
            for no, parallelism, total, first, free, halted in batches
        },
        Pause(*pause) if pause[0] is not None else None,
        Undo(undo),
    )


def told(there: Situation, mend: Mend) -> Mended:
    """What the world hears of ``mend``."""
    ready = [there.steps[no] for no, change in mend.steps.items() if change.state is StepState.ENQUEUED]
    return Mended(
        moved=mend.task if mend.task != there.state else None,
        ready={} if there.is_held_now else {step.lane: step.rank for step in ready},
        ended=[no for no, change in mend.steps.items() if change.state is StepState.CANCELLED],
    )


def record_call(saying: Saying, changes: Sequence[Mapping[str, object]]) -> Call:
    """The statement that writes down what each step (``no``), and as number 0 the task, ``was``, and its ``state``."""
    return Call("record_changes", {**saying.params, "changes": as_json(changes)})


def _results(transaction: Transaction, task: int, numbers: Collection[int]) -> dict[int, JsonText | None]:
    asked = as_json([{"task": task, "step": no} for no in numbers])
    (rows,) = transaction.run(Call("results_of_steps", {"steps": asked}))
    return {no: result for _, no, result in rows}


def mend_calls(saying: Saying, there: Situation, mend: Mend) -> list[Call]:
    """The statements that do it, behind ``look``."""
    said, was = saying.params, {no: step.state for no, step in there.steps.items()}
    changes = [
        {
            "no": no,
            "was": was[no],
            "state": change.state,
            "waits": change.waits,
            "anew": int(change.anew),
            "after": change.after,
        }
        for no, change in mend.steps.items()
    ]
    gone = [{"no": no, "was": was[no], "state": StepState.CANCELLED} for no in mend.gone]
    heard = [change for change in (*changes, *gone) if change["was"] != change["state"]]
    if mend.task != there.state or not heard:
        heard.append({"no": 0, "was": there.state, "state": mend.task})
    calls = [
        Call("record_taken", {**said, "changes": as_json([*changes, *gone])}),
        *_left(said, there, [*mend.steps, *mend.gone]),
        record_call(saying, heard),
        Call("mend_steps", {**said, "changes": as_json(changes)}),
    ]
    if there.is_held_now:
        calls.append(Call("hold_steps", said))
    elif there.pause is not None:
        # A pause ends with its task: one that comes to life again isn't held.
        calls += [Call("resume_task", said), Call("let_steps_go", said)]
    if mend.batches:
        batches = [{"no": no, "next": slots.next, "free": slots.free} for no, slots in mend.batches.items()]
        calls.append(Call("set_batches", {**said, "batches": as_json(batches)}))
    if mend.from_scratch:
        anew = {**said, "steps": as_json([no for no, change in mend.steps.items() if change.anew])}
        calls += [Call("forget_checkpoints", anew), Call("drop_checkpoints", anew)]
    if gone:
        removed = {**said, "gone": as_json(list(mend.gone)), "closed": as_json(sorted(mend.closed))}
        names = ("remove_steps", "remove_edges", "remove_payloads", "remove_batches", "count_steps")
        calls += [Call(name, removed) for name in names]
    return [*calls, _epoch(saying, there), Call("move_task", {**said, "state": mend.task})]


def _edit_calls(saying: Saying, there: Situation, edit: NewContext) -> list[Call]:
    said = saying.params
    rows = list(warning_rows({"id": there.uuid}, INPUT_SCHEMA, edit.violations))
    keys = [{"id": there.uuid, "step": no, "key": key} for no, key in edit.keys.items()]
    anew = [
        Call("leave_lines", {**said, "mark": KEY_MARK}),
        Call("drop_keys", said),
        Call("insert_keys", {**said, "keys": as_json(keys)}),
    ]
    return [
        *(anew if keys else ()),
        Call("keep_context", said),
        Call("edit_context", {**said, "context": edit.context}),
        Call("drop_context_warnings", said),
        Call("insert_task_warnings", {**said, "warnings": as_json(rows)}),
    ]


def _left(said: Mapping[str, object], there: Situation, numbers: Sequence[int]) -> list[Call]:
    left = [no for no in numbers if there.steps[no].state is StepState.CANCELLED]
    return [Call("record_left", {**said, "left": as_json(left)})] if left else []


def _epoch(saying: Saying, there: Situation) -> Call:
    highest = max(step.epoch for step in there.steps.values())
    return Call("raise_epoch", {"task": saying.task, "epoch": highest + 1})
