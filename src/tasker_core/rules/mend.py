"""What an operator's word makes of a task: which steps run again, which end, which are gone, where the task stands.

Decided from the task as it stands, all of it at one instant and held still, so that a word that is repeated finds what
the first one left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

from tasker_core.errors import StepNotFoundError, TaskStateError
from tasker_core.rules.batches import FIRST_INSTANCE, Slots, index_of, worker_of
from tasker_core.rules.expand import Choice, Growth
from tasker_core.rules.graph import children_of, parents_of, reachable
from tasker_core.rules.spelling import did_you_mean
from tasker_core.rules.states import task_state
from tasker_core.rules.template import UNDO
from tasker_core.words import Micros, Pause, StepState, TaskState


class Undo(IntEnum):
    """How far the undoing of a task is."""

    NONE = 0
    UNDER_WAY = 1
    DONE = 2


class Standing(NamedTuple):
    """A step as it stands."""

    no: int
    name: str
    state: StepState
    lane: str
    rank: int
    waits: int
    attempt: int
    fence: int
    epoch: int

    @property
    def is_compensation(self) -> bool:
        """It undoes another step."""
        return self.name.startswith(UNDO)

    @property
    def worker_step(self) -> int:
        """The worker step that it is an instance of, 0 for one that is none."""
        return worker_of(self.no)

    @property
    def is_fresh(self) -> bool:
        """It hasn't run since it came into being or was last put back."""
        return self.attempt == 0 and self.state in (StepState.PENDING, StepState.ENQUEUED)


class Change(NamedTuple):
    """What a step becomes, and for how many things it waits then. One that begins ``anew`` has its attempts again, the
    first one not before ``after`` microseconds."""

    state: StepState
    waits: int
    anew: bool = False
    after: Micros = 0


class Batch(NamedTuple):
    """A batch as it stands."""

    parallelism: int
    slots: Slots


@dataclass(frozen=True, slots=True)
class Mend:
    """What is done to a task: its steps that change, those that are gone, the places of its batches, and the state that
    it moves to. With ``from_scratch`` what begins anew doesn't go on from a checkpoint."""

    task: TaskState
    steps: Mapping[int, Change] = field(default_factory=dict)
    gone: Collection[int] = ()
    batches: Mapping[int, Slots] = field(default_factory=dict)
    from_scratch: bool = False

    @property
    def closed(self) -> Collection[int]:
        """The worker steps whose batches are gone."""
        return {worker_of(no) for no in self.gone if no >= FIRST_INSTANCE}


@dataclass(frozen=True)
class Situation:
    """A task as it stands: its steps by number, its edges (parent, child), its batches by their worker steps, and who
    holds it."""

    uuid: str
    state: TaskState
    steps: Mapping[int, Standing]
    edges: Sequence[tuple[int, int]]
    batches: Mapping[int, Batch] = field(default_factory=dict)
    pause: Pause | None = None
    undo: Undo = Undo.NONE

    def named(self, name: str) -> Standing:
        """The step of this name. Raises StepNotFoundError."""
        for step in self.steps.values():
            if step.name == name:
                return step
        near = did_you_mean(name, [step.name for step in self.steps.values()])
        raise StepNotFoundError(f"task {self.uuid} has no step {name!r}{near}")

    @cached_property
    def parents(self) -> Mapping[int, Sequence[int]]:
        return parents_of(self.steps, self.edges)

    def is_held(self, no: int) -> bool:
        """An instance of a batch that isn't let in, or was held back, waits for one more than its open parents."""
        return self.steps[no].waits > sum(not self.steps[parent].state.satisfies for parent in self.parents[no])

    @property
    def is_held_now(self) -> bool:
        """A pause holds it, which ends with the task."""
        return self.pause is not None and not self.state.is_final

    def refuse_undone(self, step: Standing | None = None, *, may: str) -> None:
        """Raises TaskStateError for a task that is or was undone, but for ``step`` if that is a compensation."""
        if self.undo is Undo.NONE or (step is not None and step.is_compensation):
            return
        what = "is being undone" if self.undo is Undo.UNDER_WAY else "is undone"
        raise TaskStateError(f"task {self.uuid} {what}; {may}", state=self.state)

    def refuse(self, *states: TaskState, may: str) -> None:
        """Raises TaskStateError for a task in one of ``states``; ``may`` says which one it would have to be."""
        if self.state in states:
            raise TaskStateError(f"task {self.uuid} is {self.state} already; {may}", state=self.state)


NEVER_AGAIN = (TaskState.COMPLETE, TaskState.CANCELLED, TaskState.RESOLVED_MANUALLY)
"""Final states that only a restart leads out of; one that was given up can also be tried again."""


def reset(there: Situation, name: str) -> Mend:
    """The failed step ``name`` runs again. Raises StepNotFoundError, TaskStateError."""
    step = there.named(name)
    there.refuse(*NEVER_AGAIN, may="only a step of an unfinished task, or of one that was given up, can be reset")
    there.refuse_undone(step, may="of its steps only a compensation that failed can be reset")
    if step.state is not StepState.ERROR:
        text = f"step {name!r} of task {there.uuid} is {step.state}; only a step in {StepState.ERROR} can be reset"
        raise TaskStateError(text, state=step.state)
    return again(there, {step.no})


def retry(there: Situation) -> Mend:
    """All failed steps run again, and what was cancelled when the task ended as ``error``.

    Raises TaskStateError where there is neither.
    """
    there.refuse(*NEVER_AGAIN, may="only the failed steps of an unfinished task, or of one given up, are run again")
    if there.undo is not Undo.NONE:
        undoing = {no for no, step in there.steps.items() if step.is_compensation and step.state is StepState.ERROR}
        if not undoing:
            there.refuse_undone(may="only compensations that failed can be run again, and none has")
        return again(there, undoing)
    if there.state is TaskState.ERROR and any(step.state is StepState.CANCELLED for step in there.steps.values()):
        # It stood still for too long: nothing of it has to have failed.
        return again(there, {no for no, step in there.steps.items() if step.state is StepState.ERROR})
    return again(there, _failed(there, "nothing can be run again"))


def requeue(there: Situation, after: Micros) -> Mend:
    """The same, ``after`` so many microseconds: what would be ready waits for its time until then."""
    mend = retry(there)
    if not after:
        return mend
    changes = {
        no: change._replace(state=StepState.WAITING_FOR_RETRY, after=after)
        if change.anew and change.state is StepState.ENQUEUED
        else change
        for no, change in mend.steps.items()
    }
    states = {no: step.state for no, step in there.steps.items()} | {no: c.state for no, c in changes.items()}
    return replace(mend, task=task_state(states.values()), steps=changes)


def time_out(there: Situation) -> Mend:
    """A task that is to end because it stood still for too long: what isn't finished of it never will be."""
    return _ended(there, TaskState.ERROR)


def restart(there: Situation, name: str, growth: Growth, choices: Mapping[int, Choice], *, edited: bool) -> Mend:
    """The step ``name`` and everything after it runs again, also in a task that is final.

    What a decision among them had brought about is gone: it decides anew. ``choices`` are those of the decisions that
    are done; ``edited`` says that the task has another context now. Raises StepNotFoundError, TaskStateError.
    """
    step = there.named(name)
    there.refuse_undone(may="create a new task instead")
    waiting = [there.steps[no] for no in there.parents[step.no] if not there.steps[no].state.satisfies]
    if waiting:
        first = waiting[0]
        raise TaskStateError(
            f"step {name!r} of task {there.uuid} waits for {first.name!r}, which is {first.state}; only a step whose "
            "parents are done can be restarted",
            state=step.state,
        )
    anew_from = {step.no, *reachable(children_of(there.steps, there.edges), step.no)}
    if not edited and not there.state.is_final and all(there.steps[no].is_fresh for no in anew_from):
        text = f"step {name!r} of task {there.uuid} is {step.state} and hasn't run yet; there is nothing to restart"
        raise TaskStateError(text, state=step.state)
    gone: set[int] = set()
    if anew := anew_from & growth.openers:
        lost = growth.behind(anew)
        done = {decision: choice for decision, choice in choices.items() if decision not in anew}
        cut = {growth.declared(no) for no in there.steps if no >= FIRST_INSTANCE} - lost
        lost -= growth.standing(done, cut)
        gone = {no for no in there.steps if growth.declared(no) in lost}
    return again(there, anew_from, gone, from_scratch=True)


def end(there: Situation, state: TaskState) -> Mend:
    """The task ends as ``error`` or ``resolved_manually``; what isn't finished of it never will be.

    Raises TaskStateError.
    """
    if state is TaskState.ERROR:
        there.refuse(*NEVER_AGAIN, TaskState.ERROR, may="only an unfinished task can be given up")
        _failed(there, "it can be cancelled, not given up")
    else:
        there.refuse(*NEVER_AGAIN, may="only an unfinished task, or one that was given up, can be resolved")
    return _ended(there, state)


def _ended(there: Situation, state: TaskState) -> Mend:
    unfinished = {no: step for no, step in sorted(there.steps.items()) if not step.state.is_final}
    return Mend(state, {no: Change(StepState.CANCELLED, step.waits) for no, step in unfinished.items()})


def by_hand(there: Situation, name: str) -> Standing:
    """The step ``name``, which an operator may end. Raises StepNotFoundError, TaskStateError."""
    step = there.named(name)
    final = (*NEVER_AGAIN, TaskState.ERROR)
    there.refuse(*final, may="only a step of an unfinished task can be resolved or completed; restart the task first")
    there.refuse_undone(step, may="of its steps only a compensation can be ended by hand")
    if step.state.satisfies:
        raise TaskStateError(
            f"step {name!r} of task {there.uuid} is {step.state} already; restart the task from it to have another "
            "result",
            state=step.state,
        )
    if there.is_held(step.no):
        text = (
            f"step {name!r} of task {there.uuid} isn't let in by its batch yet; only a piece that may run can be ended"
        )
        raise TaskStateError(text, state=step.state)
    return step


def _failed(there: Situation, so: str) -> set[int]:
    failed = {no for no, step in there.steps.items() if step.state is StepState.ERROR}
    if not failed:
        raise TaskStateError(f"no step of task {there.uuid} has failed; {so}", state=there.state)
    return failed


def again(there: Situation, again: Collection[int], gone: Collection[int] = (), *, from_scratch: bool = False) -> Mend:
    """``again`` begin anew without ``gone``, and with them what was cancelled when the task ended.

    In a task that is undone nothing but compensations runs again.
    """
    revived = {no for no, step in there.steps.items() if step.state is StepState.CANCELLED}
    if there.undo is not Undo.NONE:
        revived = {no for no in revived if there.steps[no].is_compensation}
    anew = {*again, *revived} - {*gone}
    states = {no: step.state for no, step in there.steps.items() if no not in gone}
    states |= dict.fromkeys(anew, StepState.PENDING)
    batches = _resumed(there, states, {worker_of(no) for no in anew if no >= FIRST_INSTANCE})
    let_go = {
        no
        for no in states.keys() - anew
        if (slots := batches.get(worker_of(no))) and index_of(no) < slots.next and there.is_held(no)
    }
    changes = {}
    for no in sorted(anew | let_go):
        waits = sum(not states[parent].satisfies for parent in there.parents[no] if parent in states)
        slots = batches.get(worker_of(no))
        waits += slots is not None and index_of(no) >= slots.next
        changes[no] = Change(StepState.PENDING if waits else StepState.ENQUEUED, waits, no in anew)
    states |= {no: change.state for no, change in changes.items()}
    return Mend(task_state(states.values()), changes, sorted(gone), batches, from_scratch)


def _resumed(there: Situation, states: Mapping[int, StepState], workers: Collection[int]) -> dict[int, Slots]:
    """The places of batches of which an instance runs again: none is halted any more."""
    begun = Counter(
        worker_of(no)
        for no, state in states.items()
        if (batch := there.batches.get(worker_of(no))) and index_of(no) < batch.slots.next and not state.is_final
    )
    return {
        worker: batch.slots.with_begun(begun[worker], batch.parallelism)
        for worker, batch in there.batches.items()
        if worker in workers
    }
