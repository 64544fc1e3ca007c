"""Can a task be as its rows say it is? What no verb leaves behind is a bug's work, or other hands'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tasker_core.rules.diagnosis import Check, CheckKind, Level
from tasker_core.rules.explain_queue import MOST_NAMED
from tasker_core.rules.explanation import counted, listed
from tasker_core.rules.graph import parents_of
from tasker_core.rules.states import task_state
from tasker_core.words import StepState

AT_REST = frozenset(StepState) - {
    StepState.ENQUEUED_FOR_ORCHESTRATION,
    StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION,
}
"""The states in which a step's row can be found."""
BEGUN = frozenset({StepState.ENQUEUED, StepState.IN_PROGRESS, StepState.WAITING_FOR_RETRY})


class Strange(NamedTuple):
    """A task that can't be as it is, and why."""

    task: str
    why: Sequence[str]


def impossible(state: str, steps: Mapping[int, tuple[str, str]], edges: Sequence[tuple[int, int]]) -> list[str]:
    """What can't be so of an unfinished task: ``steps`` are (name, state) by number.

    >>> impossible("pending", {1: ("pay", "complete"), 2: ("ship", "pending")}, [(1, 2)])
    ["step 'ship' is pending, though all its parents are done"]
    """
    found: list[str] = []
    parents = parents_of(steps, edges)
    for no, (name, its) in steps.items():
        if its not in AT_REST:
            found.append(f"step {name!r} rests in {its}")
            continue
        unfinished = [steps[parent][0] for parent in parents[no] if not StepState(steps[parent][1]).satisfies]
        if its == StepState.PENDING and not unfinished:
            found.append(f"step {name!r} is pending, though all its parents are done")
        if its in BEGUN and unfinished:
            found.append(f"step {name!r} is {its}, though {listed(unfinished, 3)} isn't done")
    if all(its in AT_REST for _, its in steps.values()):
        expected = task_state([StepState(its) for _, its in steps.values()])
        if state != expected:
            found.append(f"the task is {state}, its steps say {expected}")
    return found


def judge_history(place: str, damage: Sequence[str], looked_at: int, strange: Sequence[Strange]) -> Iterable[Check]:
    """What a deep look found: ``damage`` in the file, and ``strange`` ones among the unfinished tasks."""
    if damage:
        advice = "stop all programs that use it, and restore a backup"
        yield Check(CheckKind.DATABASE, Level.ERROR, place, f"the file is damaged: {'; '.join(damage)}", advice)
    for task, why in strange[:MOST_NAMED]:
        advice = (
            f"a bug, or the store was changed by other hands: tasker task cancel {task}, create it again, and report it"
        )
        yield Check(CheckKind.HISTORY, Level.ERROR, f"task {task}", listed(why), advice, {"task": task})
    if len(strange) > MOST_NAMED:
        yield Check(
            CheckKind.HISTORY, Level.ERROR, "history", f"{counted(len(strange) - MOST_NAMED, 'more such task')}"
        )
    if not strange:
        text = f"{counted(looked_at, 'unfinished task')}, each as it can be"
        yield Check(CheckKind.HISTORY, Level.OK, "history", text)
