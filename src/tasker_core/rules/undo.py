"""Undo: what becomes of a task whose completed steps are compensated, because it failed for good or somebody says so.

A step that declares a compensation has a number for it behind those of the declared steps. Compensations come into
being together, as steps of the same task: one for each completed step that declares one, behind those of all that came
after it. What hasn't begun by then never will. When all of them are done, the task ends as ``error``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tasker_core.errors import TaskStateError
from tasker_core.rules.batches import ISOLATE
from tasker_core.rules.expand import Growth
from tasker_core.rules.graph import children_of
from tasker_core.rules.mend import Change, Mend, Situation, Undo, again
from tasker_core.rules.states import MOVING
from tasker_core.rules.template import Template
from tasker_core.words import StepState, TaskState


class Compensation(NamedTuple):
    """A step that comes into being to undo another one: the compensations that it waits for come first."""

    no: int
    name: str
    undone: int
    parents: Sequence[int]


@dataclass(frozen=True)
class UndoPlan:
    """How the tasks of one template are undone. Steps go by their numbers.

    >>> plan = UndoPlan.of(template := Template.from_content({
    ...     "name": "order", "namespace_name": "shop", "version": "1.0.0", "steps": [
    ...         {"name": "reserve", "handler": {"callable": "a"}, "compensate": {"handler": "release"}},
    ...         {"name": "check", "handler": {"callable": "b"}, "dependencies": ["reserve"]},
    ...         {"name": "charge", "handler": {"callable": "c"}, "dependencies": ["check"],
    ...          "compensate": {"handler": "refund"}}]}), Growth.of(template))
    >>> [(each.no, each.name, each.parents) for each in plan.compensations([1, 2, 3])]
    [(4, 'undo:reserve', (5,)), (5, 'undo:charge', ())]
    """

    names: Mapping[int, str]
    """By the number of each step that declares a compensation, what that is called."""
    declared: int
    edges: Sequence[tuple[int, int]]
    aside: Collection[int]
    """The worker steps of batches that set failed pieces aside."""

    @classmethod
    def of(cls, template: Template, growth: Growth) -> UndoPlan:
        names = {no: step.name for no, step in template.undo_steps.items()}
        aside = frozenset(no for no, plan in growth.batches.items() if plan.strategy == ISOLATE)
        return cls(names, len(template.steps), template.edges(), aside)

    def __bool__(self) -> bool:
        return bool(self.names)

    def undone(self, no: int) -> int | None:
        """The step that step ``no`` undoes; None for one that undoes nothing."""
        return self._undone[no - self.declared - 1] if 0 < no - self.declared <= len(self.names) else None

    def compensations(self, completed: Collection[int]) -> list[Compensation]:
        """What undoes the steps ``completed``, in the order of the file."""
        done = [no for no in self._undone if no in completed]
        numbers = {no: self.declared + place for place, no in enumerate(self._undone, 1)}
        return [
            Compensation(numbers[no], self.names[no], no, tuple(numbers[after] for after in self._next(no, {*done})))
            for no in done
        ]

    def _next(self, no: int, done: Collection[int]) -> Sequence[int]:
        """Of ``done`` those that come right after step ``no``, whatever else stands between."""
        found, seen, ahead = set(), set(), list(self._children[no])
        while ahead:
            child = ahead.pop()
            if child in done:
                found.add(child)
            elif child not in seen:
                seen.add(child)
                ahead += self._children[child]
        return sorted(found)

    @cached_property
    def _undone(self) -> Sequence[int]:
        return sorted(self.names)

    @cached_property
    def _children(self) -> Mapping[int, Sequence[int]]:
        return children_of(range(1, self.declared + 1), self.edges)


class Undoing(NamedTuple):
    """What is done to a task, the compensations that it gets, how far its undoing is then, and why all that."""

    mend: Mend
    born: Sequence[Compensation]
    undo: Undo
    reason: str = ""


def follow(there: Situation, plan: UndoPlan, *, by_itself: bool) -> Undoing | None:
    """What follows in a task of which nothing moves any more; None where nothing does.

    A task of which a step has failed for good begins to be undone ``by_itself``, if anything of it can be, but not
    while somebody mends it. So does one that somebody wants undone. One whose compensations are done ends.
    """
    states = [step.state for step in there.steps.values()]
    if any(state in MOVING or state is StepState.WAITING_FOR_RETRY for state in states) or there.undo is Undo.DONE:
        return None
    if compensations := [step for step in there.steps.values() if step.is_compensation]:
        return _ended(there) if all(step.state.satisfies for step in compensations) else None
    if there.undo is Undo.NONE and not (by_itself and _failed_for_good(there, plan)):
        return None
    begun = _begun(there, plan)
    return _ended(there) if begun is None and there.undo is Undo.UNDER_WAY else begun


def undo(there: Situation, plan: UndoPlan, openers: Collection[int]) -> Undoing:
    """Somebody wants a task undone, whatever its state. Raises TaskStateError where there is nothing to undo.

    What is in progress ends first, with its retries; what hasn't begun, or waits for a retry, never will. ``openers``
    are the steps whose end brings others about.
    """
    if not plan:
        text = f"no step of task {there.uuid} declares a compensation ('compensate' in its template)"
        raise TaskStateError(text, state=there.state)
    if there.undo is Undo.DONE:
        raise TaskStateError(f"task {there.uuid} is undone already", state=there.state)
    if there.undo is Undo.UNDER_WAY:
        return _gone_on(there)
    running = [step for step in there.steps.values() if step.state is StepState.IN_PROGRESS]
    for step in running:
        if step.no in openers:
            text = f"step {step.name!r} of task {there.uuid}, which decides what else runs, is in progress; let it end"
            raise TaskStateError(text, state=there.state)
    if not running and (begun := _begun(there, plan)) is not None:
        return begun
    if not any(step.no in plan.names and _may_complete(step.state) for step in there.steps.values()):
        text = f"no completed step of task {there.uuid} declares a compensation, so there is nothing to undo"
        raise TaskStateError(text, state=there.state)
    return Undoing(Mend(TaskState.STEPS_IN_PROCESS, _dropped(there)), (), Undo.UNDER_WAY)


def _gone_on(there: Situation) -> Undoing:
    """The undoing of a task that was ended amid it."""
    if not there.state.is_final:
        raise TaskStateError(f"task {there.uuid} is being undone already", state=there.state)
    left = {step.no for step in there.steps.values() if step.is_compensation and not step.state.satisfies}
    if not left:
        return _ended(there)
    return Undoing(again(there, left), (), Undo.UNDER_WAY)


def _failed_for_good(there: Situation, plan: UndoPlan) -> bool:
    """Has a step failed that was needed? A piece that its batch set aside wasn't."""
    return any(
        step.state is StepState.ERROR and (step.no <= plan.declared or step.worker_step not in plan.aside)
        for step in there.steps.values()
    )


def _begun(there: Situation, plan: UndoPlan) -> Undoing | None:
    completed = [no for no, step in there.steps.items() if step.state is StepState.COMPLETE]
    born = plan.compensations(completed)
    if not born:
        return None
    names = ", ".join(there.steps[each.undone].name for each in born[:5]) + (", ..." if len(born) > 5 else "")
    failed = [step.name for step in there.steps.values() if step.state is StepState.ERROR]
    why = f"{failed[0]} failed: " if failed else ""
    mend = Mend(TaskState.STEPS_IN_PROCESS, _dropped(there))
    return Undoing(mend, born, Undo.UNDER_WAY, f"{why}undoes {names}")


def _ended(there: Situation) -> Undoing:
    return Undoing(Mend(TaskState.ERROR, _dropped(there)), (), Undo.DONE, "undone")


def _dropped(there: Situation) -> Mapping[int, Change]:
    """What isn't done, and doesn't run, never will."""
    return {
        no: Change(StepState.CANCELLED, step.waits)
        for no, step in sorted(there.steps.items())
        if not step.state.is_final and step.state is not StepState.IN_PROGRESS
    }


def _may_complete(state: StepState) -> bool:
    return state in (StepState.COMPLETE, StepState.IN_PROGRESS)
