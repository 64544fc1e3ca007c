"""What operators say, in the engine as it should be: made of the rules that the engine asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from tasker_core.errors import TaskStateError
from tasker_core.rules import batch_outcome, expand, pausing
from tasker_core.rules.batch_outcome import NewBatch
from tasker_core.rules.batches import index_of
from tasker_core.rules.expand import Choice, NewStep, choice_of
from tasker_core.rules.mend import Batch, Mend, Situation, Standing, by_hand
from tasker_core.rules.payload import decode
from tasker_core.rules.undo import Undoing, follow
from tasker_core.words import Ending, JsonText, LeaseKey, Micros, Outcome, Pause, StepState, Verdict, Word
from tests.support.model import Attempt, Model, NotNowError, Step, Task

NOTHING_CHOSEN = '{"result":{"decision_point_outcome":{"type":"no_branches"}}}'
NOTHING_CUT = '{"result":{"batch_processing_outcome":{"type":"no_batches"}}}'
CANCELLED = StepState.CANCELLED

R = TypeVar("R")


class OperatedModel(Model):
    """Tasks, their steps and workers, and operators."""

    def mend(self, number: int, judge: Callable[[Situation], Mend], word: Word, now: Micros) -> bool:
        """Do what ``judge`` makes of a task. Raises NotNowError where it can't be done."""
        task = self.tasks[number]
        mend, told, epoch = _judged(judge, task), 0, _next_epoch(task)
        for no, state in [*((no, c.state) for no, c in mend.steps.items()), *((no, CANCELLED) for no in mend.gone)]:
            told += self._take(task, no, state, word, now)
        for no in mend.gone:
            del task.steps[no], task.parents[no]
        task.parents = {no: [p for p in parents if p in task.steps] for no, parents in task.parents.items()}
        task.batches = {
            worker: s for worker, s in {**task.batches, **mend.batches}.items() if worker not in mend.closed
        }
        for no, change in mend.steps.items():
            step = task.steps[no]
            step.state = change.state
            if change.state is CANCELLED:
                step.ended_at = now
                continue
            if change.anew:
                step.attempt, step.crashes, step.run_at, step.enqueued_at = 0, 0, now, 0
                step.checkpoint = None if mend.from_scratch else step.checkpoint
            if change.state is StepState.ENQUEUED:
                step.enqueued_at = now
        if task.pause is not None:
            if task.state.is_final:
                task.pause = None
            _hold(task)
        for no, change in mend.steps.items():
            task.steps[no].is_held = change.waits > sum(
                not task.steps[parent].state.satisfies for parent in task.parents[no]
            )
        _raise_epoch(task, epoch)
        if mend.task is not task.state or not told:
            task.transitions.append((0, task.state, mend.task, now, *word[:2]))
            task.state = mend.task
        return True

    def pause(self, number: int, word: Word, now: Micros) -> bool:
        """Hold a task. Raises NotNowError where it can't be."""
        task = self.tasks[number]
        _judged(pausing.pause, task)
        task.pause = Pause(now, *word[:2])
        task.transitions.append((0, task.state, task.state, now, *word[:2]))
        _hold(task)
        return True

    def resume(self, number: int, word: Word, now: Micros) -> bool:
        """Let a task go on. Raises NotNowError where it isn't paused."""
        task = self.tasks[number]
        _judged(pausing.resume, task)
        task.pause = None
        task.transitions.append((0, task.state, task.state, now, *word[:2]))
        _hold(task)
        return True

    def undo(self, number: int, judge: Callable[[Situation], Undoing], word: Word, now: Micros) -> bool:
        """Do what ``judge`` makes of a task that is undone. Raises NotNowError where it can't be done."""
        task = self.tasks[number]
        undoing = _judged(judge, task)
        self.mend(number, lambda _: undoing.mend, word, now)
        for born in undoing.born:
            task.parents[born.no] = born.parents
            task.steps[born.no] = Step(
                StepState.PENDING if born.parents else StepState.ENQUEUED, now, 0 if born.parents else now,
                epoch=max(step.epoch for step in task.steps.values()), name=born.name,
            )  # fmt: skip
        if task.pause is not None:
            _hold(task)
        task.undo = undoing.undo
        return True

    def _turn(self, tasks: Sequence[int], actor: str, now: Micros, *, by_itself: bool) -> None:
        for number in tasks:
            task = self.tasks[number]
            undoing = _judged(lambda there, plan=task.wish.plan: follow(there, plan.undo, by_itself=by_itself), task)  # type: ignore[misc]  # bound on purpose
            if undoing is not None:
                self.undo(number, lambda _, it=undoing: it, Word(actor, undoing.reason), now)  # type: ignore[misc]  # bound on purpose

    def end_by_hand(self, number: int, no: int, result: JsonText | None, word: Word, now: Micros) -> bool:
        """Step ``no`` is done, with a result or without one. Raises NotNowError where it can't be ended."""
        task, key = self.tasks[number], LeaseKey(number, no, self.tasks[number].steps[no].fence + 1)
        step, plan, epoch = task.steps[no], task.wish.plan, _next_epoch(task)
        _judged(lambda there: by_hand(there, step.name), task)
        state = StepState.RESOLVED_MANUALLY if result is None else StepState.COMPLETE
        born: Sequence[NewStep] = ()
        batch: NewBatch | None = None
        if no in plan.growth.openers:
            states = {no: str(step.state) for no, step in task.steps.items()}
            if no in plan.growth.decisions:
                chosen = Outcome(key, Ending.OK, result or NOTHING_CHOSEN)
                outcome, born = expand.carry_out(plan.growth, chosen, states)
            else:
                cut = Outcome(key, Ending.OK, result or NOTHING_CUT)
                outcome, born, batch = batch_outcome.carry_out(plan.growth, plan.template, cut, states)
            if outcome.error is not None:
                raise NotNowError
        was = step.state
        self._take(task, no, state, word, now)
        if was is StepState.ERROR and (of := plan.batch_of(no)) is not None:
            for other in task.instances(of.worker):
                if task.steps[other].is_held and index_of(other) < task.batches[of.worker].next:
                    task.steps[other].is_held = False
                    task.transitions.append((other, StepState.PENDING, StepState.ENQUEUED, now, *word[:2]))
            self._let_in(number, of.worker, task.batches[of.worker].again(), now)
        step.state, step.fence, step.worker, step.claimed_at = StepState.IN_PROGRESS, key.fence, 0, now
        verdict = Verdict(key, state, now, f"{state} by {word.actor}", result)
        self._apply(verdict, Ending.BY_HAND, now)
        self._bear(key, born, batch, now)
        self._end_instances({key: verdict}, [key], now)
        self._free({number}, now)
        self._rest({number}, word.actor, word.reason, now)
        _raise_epoch(task, epoch)
        self._turn([number], word.actor, now + 1, by_itself=False)
        return True

    def _take(self, task: Task, no: int, state: StepState, word: Word, now: Micros) -> bool:
        """A step is to come to ``state``, and whoever runs it is no longer to; whether that is another state."""
        step = task.steps[no]
        if step.state is CANCELLED and step.fence and (no, step.fence) not in task.attempts:
            # Cancelled amid an attempt: each claim ends once.
            task.attempts[no, step.fence] = Attempt(
                step.attempt, Ending.TAKEN, CANCELLED, step.worker, step.enqueued_at, step.claimed_at, step.ended_at,
                word.reason, None, None,
            )  # fmt: skip
        if step.state is StepState.IN_PROGRESS:
            task.attempts[no, step.fence] = Attempt(
                step.attempt, Ending.TAKEN, state, step.worker, step.enqueued_at, step.claimed_at, now, word.reason,
                None, None,
            )  # fmt: skip
        if step.state is not state:
            task.transitions.append((no, step.state, state, now, *word[:2]))
        return step.state is not state


def _hold(task: Task) -> None:
    """Hold all that may still run, or let go of everything."""
    for step in task.steps.values():
        step.is_paused = task.pause is not None and (step.is_paused or not step.state.satisfies)


def _next_epoch(task: Task) -> int:
    return 1 + max(step.epoch for step in task.steps.values())


def _raise_epoch(task: Task, epoch: int) -> None:
    for step in task.steps.values():
        if not step.state.satisfies and step.state is not CANCELLED:
            step.epoch = epoch


def _judged(judge: Callable[[Situation], R], task: Task) -> R:
    plan = task.wish.plan
    steps = {
        no: Standing(
            no, step.name, step.state, plan.lane(no), task.rank, task.waits(no), step.attempt, step.fence, step.epoch
        )
        for no, step in task.steps.items()
    }
    edges = [(parent, no) for no, parents in task.parents.items() for parent in parents]
    batches = {no: Batch(plan.growth.batches[no].parallelism, slots) for no, slots in task.batches.items()}
    try:
        return judge(Situation(task.wish.uuid, task.state, steps, edges, batches, task.pause, task.undo))
    except TaskStateError:
        raise NotNowError from None


def choices(task: Task) -> dict[int, Choice]:
    """What the decisions of a task chose that are done."""
    done = [no for no in task.wish.plan.growth.decisions if no in task.steps and task.steps[no].state.satisfies]
    results = {no: task.result(no) for no in done}
    return {no: choice_of(decode(text)["result"]) if text else () for no, text in results.items()}
