"""Undo in the store: compensations that come into being, and the tasks that end when those are done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tasker_core.rules.mend import Situation
from tasker_core.rules.undo import Undoing
from tasker_core.store.database import Access, Call, Transaction, as_json
from tasker_core.store.repairs import Mended, Saying, look, mend_calls, told
from tasker_core.words import HELD, Micros, TaskState

Lanes = Mapping[int, str]
"""The lane of each compensation, by its number."""


class Turn(NamedTuple):
    """What may have to follow when tasks come to rest: ``judge`` says it of the task of this number.

    ``stamp`` is that of what follows; what came before has another one in the same transaction.
    """

    stamp: int
    judge: Callable[[int, Situation], tuple[Undoing, Lanes] | None]


@dataclass(frozen=True, slots=True)
class Turned:
    """The tasks that moved on, and the lanes in which a step is ready now, with the rank of the first."""

    moved: Mapping[int, str] = field(default_factory=dict)
    ready: Mapping[str, int] = field(default_factory=dict)


def turn(transaction: Transaction, tasks: Collection[int], how: Turn, now: Micros, actor: str) -> Turned:
    """Do what follows in those of ``tasks`` that came to rest, whose locks this transaction holds.

    ``now`` is later than what brought them to rest, so that the audit tells it in this order.
    """
    if not tasks:
        return Turned()
    moved: dict[int, str] = {}
    ready: dict[str, int] = {}
    (asked,) = transaction.run(Call("tasks_to_undo", {"tasks": as_json(sorted(tasks))}))
    for (task,) in asked:
        saying = Saying(task, how.stamp, now, actor, "")
        there = look(transaction, saying)
        judged = how.judge(task, there) if there is not None else None
        if there is None or judged is None:
            continue
        undoing, lanes = judged
        transaction.run(*undo_calls(replace(saying, reason=undoing.reason), there, undoing, lanes))
        done = undone(there, undoing, lanes)
        moved[task] = done.moved or there.state
        ready |= done.ready
    return Turned(moved, ready)


def undo_calls(saying: Saying, there: Situation, undoing: Undoing, lanes: Lanes) -> list[Call]:
    """The statements that do it, behind ``look``."""
    calls = mend_calls(saying, there, undoing.mend)
    if undoing.born:
        # In a task that is paused they wait with everything else.
        held = HELD if there.is_held_now else ""
        steps = [(born.no, born.name, held + lanes[born.no], len(born.parents), born.undone) for born in undoing.born]
        edges = [(parent, born.no) for born in undoing.born for parent in born.parents]
        said = {**saying.params, "steps": as_json(steps), "edges": as_json(edges)}
        calls += [Call(name, said) for name in ("insert_compensations", "insert_compensation_edges", "count_steps")]
    return [*calls, Call("mark_undo", {**saying.params, "undo": int(undoing.undo)})]


def undone(there: Situation, undoing: Undoing, lanes: Lanes) -> Mended:
    """What that did."""
    done = told(there, undoing.mend)
    ranks = {there.steps[born.undone].rank for born in undoing.born}
    first = {} if there.is_held_now else {lanes[born.no]: min(ranks) for born in undoing.born if not born.parents}
    return replace(done, ready={**done.ready, **first})


def at_rest(states: Mapping[int, str]) -> list[int]:
    """Those tasks of a settlement's that may have come to rest."""
    return [task for task, state in states.items() if state in _AT_REST]


_AT_REST = frozenset({TaskState.BLOCKED_BY_FAILURES, TaskState.PENDING, TaskState.COMPLETE})


class Undoings:
    """What can be said of undoing."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def undo(self, saying: Saying, judge: Callable[[Situation], tuple[Undoing, Lanes]]) -> Mended | None:
        """Do what ``judge`` makes of the task as it stands, as an operator says; what it raises changes nothing.

        None where the word has been done.
        """
        with self._database.transaction() as transaction:
            there = look(transaction, saying)
            if there is None:
                return None
            undoing, lanes = judge(there)
            transaction.run(*undo_calls(saying, there, undoing, lanes))
        return undone(there, undoing, lanes)
