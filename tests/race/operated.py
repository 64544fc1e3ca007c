"""Histories in which operators have their say as well, at any moment."""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tasker_core.engine.operator import Operator
from tasker_core.errors import InvalidRequestError
from tasker_core.rules.mend import Mend, Situation, Undo, end, reset, restart, retry
from tasker_core.rules.payload import encode
from tasker_core.rules.undo import undo
from tasker_core.words import LeaseKey, StepState, TaskState, Word
from tests.race.history import LANES, History, picks
from tests.support.model import Asked, NotNowError, Task
from tests.support.model_operator import choices

RESETS = [
    StepState.ERROR, StepState.ERROR, StepState.ERROR, StepState.WAITING_FOR_RETRY, StepState.IN_PROGRESS,
    StepState.COMPLETE, StepState.PENDING,
]  # fmt: skip

ENDED_BY_HAND = [
    StepState.ERROR, StepState.ERROR, StepState.PENDING, StepState.ENQUEUED, StepState.IN_PROGRESS,
    StepState.WAITING_FOR_RETRY, StepState.COMPLETE,
]  # fmt: skip

RESTARTS = [
    StepState.COMPLETE, StepState.COMPLETE, StepState.COMPLETE, StepState.ERROR, StepState.IN_PROGRESS,
    StepState.CANCELLED, StepState.ENQUEUED, StepState.PENDING, StepState.RESOLVED_MANUALLY,
]  # fmt: skip

ANN = Word("ann", "try again")
BY_ANN = {"manually_completed": True, "completed_by": "ann", "completion_reason": "try again"}


class OperatedHistory(History):
    """What clients, workers and operators may do, in any order."""

    @precondition(lambda self: self.model.tasks)
    @rule(which=picks, really=st.sampled_from([False] * 7 + [True]))
    def cancel(self, which: int, really: bool) -> None:
        if not really:
            return
        task = self.any_task(which)
        number = which % len(self.model.tasks) + 1
        self.agree_on(
            lambda: self.model.cancel(number, "ann", "no longer wanted", self.clock.now()),
            lambda player: player.cancel(task, "ann", "no longer wanted"),
        )
        self.tried["tasks cancelled"] += 1

    @precondition(lambda self: self.model.tasks)
    @rule(which=picks, state=st.sampled_from(RESETS))
    def reset(self, which: int, state: StepState) -> None:
        if place := self.step_in(state, which):
            task, step, _ = place
            self.mend(task, lambda there: reset(there, step), lambda o, uuid: o.reset(uuid, step, ANN))
            self.tried["steps reset"] += state is StepState.ERROR

    @precondition(lambda self: self.model.tasks)
    @rule(which=picks, state=st.sampled_from(ENDED_BY_HAND), resolve=st.booleans())
    def end_by_hand(self, which: int, state: StepState, resolve: bool) -> None:
        if place := self.step_in(state, which):
            task, step, no = place
            self.results += 1
            value = None if resolve else json.loads(self.result_of(LeaseKey(task.number, no, 0)))
            result = None if resolve else encode({"result": value, "metadata": BY_ANN}, "result")

            def say(operator: Operator) -> None:
                try:
                    if resolve:
                        operator.resolve_step(task.wish.uuid, step, ANN)
                    else:
                        operator.complete_step(task.wish.uuid, step, value, ANN)
                except InvalidRequestError:
                    raise NotNowError from None

            self.agree_on(
                lambda: self.model.end_by_hand(task.number, no, result, ANN, self.clock.now()),
                lambda player: player.operate(say),
            )
            self.tried["steps ended by hand"] += not state.satisfies

    @precondition(lambda self: self.model.tasks)
    @rule(which=picks)
    def retry(self, which: int) -> None:
        task = self.model.tasks[which % len(self.model.tasks) + 1]
        if self.mend(task, retry, lambda o, uuid: o.retry(uuid, ANN)):
            self.tried["tasks retried"] += 1

    @precondition(lambda self: self.model.tasks)
    @rule(which=picks, state=st.sampled_from(RESTARTS))
    def restart(self, which: int, state: StepState) -> None:
        if place := self.step_in(state, which):
            task, step, _ = place
            growth = task.wish.plan.growth
            edited = which % 3 == 0

            def judge(there: Situation) -> Mend:
                return restart(there, step, growth, choices(task), edited=edited)

            context = {"order": task.wish.order, "edited": which} if edited else None
            if self.mend(task, judge, lambda o, uuid: o.restart(uuid, step, ANN, context=context)):
                self.tried["tasks restarted"] += 1

    @precondition(lambda self: self.model.tasks)
    @rule(which=picks, resume=st.sampled_from([False, True, True]))
    def pause(self, which: int, resume: bool) -> None:
        task = self.model.tasks[which % len(self.model.tasks) + 1]
        if self.say_pause(task, resume=resume):
            self.tried["tasks resumed" if resume else "tasks paused"] += 1

    def say_pause(self, task: Task, *, resume: bool) -> bool:
        def say(operator: Operator) -> None:
            (operator.resume if resume else operator.pause)(task.wish.uuid, ANN)

        held = self.agree_on(
            lambda: (self.model.resume if resume else self.model.pause)(task.number, ANN, self.clock.now()),
            lambda player: player.operate(say),
        )
        return held is not None

    @precondition(lambda self: self.model.tasks)
    @rule(really=st.sampled_from([False, False, True]))
    def pause_namespace(self, really: bool) -> None:
        """Or, and that always, let it go on."""
        if really or self.model.is_paused:
            for player in self.players:
                player.pause_namespace(ANN, resume=self.model.is_paused)
            self.model.is_paused = not self.model.is_paused
            self.tried["namespaces paused"] += self.model.is_paused

    @precondition(lambda self: self.model.tasks)
    @rule(which=picks, really=st.integers(0, 4))
    def undo(self, which: int, really: int) -> None:
        if really:
            return
        task = self.model.tasks[which % len(self.model.tasks) + 1]
        plan = task.wish.plan
        done = self.agree_on(
            lambda: self.model.undo(
                task.number, lambda there: undo(there, plan.undo, plan.growth.openers), ANN, self.clock.now()
            ),
            lambda player: player.operate(lambda operator: operator.undo(task.wish.uuid, ANN)),
        )
        self.tried["tasks undone by word"] += done is not None

    @precondition(lambda self: self.filling())
    @rule(which=picks)
    def pause_one_that_fills_a_limit(self, which: int) -> None:
        """What runs of it goes on, and counts as before."""
        if self.say_pause(self.filling()[which % len(self.filling())], resume=False):
            self.claim(self.by_somebody(Asked(which, tuple(LANES), 20)))
            self.tried["tasks paused that fill a limit"] += 1

    def filling(self) -> list[Task]:
        """Tasks that have places of a limit for which others wait."""
        lanes = [lane for lane in self.model.limits if self.model.queue(lane) and not self.model.places(lane)]
        return [
            task
            for task in self.model.tasks.values()
            if task.pause is None
            and any(
                step.state is StepState.IN_PROGRESS and task.wish.plan.lane(no) in lanes
                for no, step in task.steps.items()
            )
        ]

    @precondition(lambda self: self.undoable())
    @rule(which=picks, pause=st.booleans())
    def break_for_good(self, which: int, pause: bool) -> None:
        """What has something to undo fails: its own undoing begins once nothing of it runs any more, and is paused."""
        task = self.undoable()[which % len(self.undoable())]
        self.claim(self.by_somebody(Asked(which, tuple(LANES), 20)))
        if keys := [key for key in self.held() if key.task == task.number]:
            self.settle([self.outcome(key, "permanent") for key in keys], None)
            self.tried["tasks broken that can be undone"] += 1
        if pause and task in self.being_undone():
            self.pause_amid_undoing(self.being_undone().index(task))

    def undoable(self) -> list[Task]:
        """Unfinished tasks of which something that is done has a compensation."""
        return [
            task
            for task in self.model.tasks.values()
            if not task.state.is_final
            and task.undo is Undo.NONE
            and any(
                step.state is StepState.COMPLETE and no <= len(steps) and steps[no - 1].compensated
                for steps in [task.wish.plan.steps]
                for no, step in task.steps.items()
            )
        ]

    @precondition(lambda self: self.being_undone())
    @rule(which=picks)
    def pause_amid_undoing(self, which: int) -> None:
        """Or let it go on."""
        task = self.being_undone()[which % len(self.being_undone())]
        if self.say_pause(task, resume=task.pause is not None):
            self.tried["undoings paused or resumed"] += 1

    def being_undone(self) -> list[Task]:
        return [task for task in self.model.tasks.values() if task.undo is Undo.UNDER_WAY and not task.state.is_final]

    @precondition(lambda self: self.model.tasks)
    @rule(which=picks, state=st.sampled_from([TaskState.ERROR, TaskState.RESOLVED_MANUALLY]), really=st.integers(0, 4))
    def end(self, which: int, state: TaskState, really: int) -> None:
        if really:
            return
        task = self.model.tasks[which % len(self.model.tasks) + 1]

        def say(operator: Operator, uuid: str) -> None:
            (operator.give_up if state is TaskState.ERROR else operator.resolve)(uuid, ANN)

        if self.mend(task, lambda there: end(there, state), say):
            self.tried[f"tasks ended as {state}"] += 1

    def mend(self, task: Task, judge: Callable[[Situation], Mend], say: Callable[[Operator, str], None]) -> bool:
        """Whether it was done."""
        done = self.agree_on(
            lambda: self.model.mend(task.number, judge, ANN, self.clock.now()),
            lambda player: player.operate(lambda operator: say(operator, task.wish.uuid)),
        )
        return done is not None

    def step_in(self, state: StepState, which: int) -> tuple[Task, str, int] | None:
        """A step in this state, if there is one."""
        steps = [
            (task, step.name, no)
            for task in self.model.tasks.values()
            for no, step in task.steps.items()
            if step.state is state
        ]
        return steps[which % len(steps)] if steps else None

    def let_go(self) -> None:
        if self.model.is_paused:
            self.pause_namespace(really=True)
        for task in self.model.tasks.values():
            if task.pause is not None and not task.state.is_final:
                assert self.say_pause(task, resume=True)
