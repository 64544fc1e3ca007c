"""Reset: an operator has a failed step run again, from its first attempt."""

from __future__ import annotations

from tasker_core.clock import Clock, Ids
from tasker_core.engine.counting import count_moved
from tasker_core.engine.memory import Memory
from tasker_core.engine.wake import Wake
from tasker_core.errors import StepNotFoundError, TaskStateError
from tasker_core.rules.spelling import did_you_mean
from tasker_core.store import Store
from tasker_core.words import StepState, TaskState


class Resetter:
    """The verb ``reset``."""

    def __init__(self, store: Store, memory: Memory, wake: Wake, clock: Clock, ids: Ids) -> None:
        self._store, self._memory, self._wake, self._clock, self._ids = store, memory, wake, clock, ids

    def reset(self, task: str, number: int, step: str, actor: str, reason: str) -> None:
        """Put ``step`` of the task with this UUID and number back into the queue, its attempts and losses forgotten.

        Its task leaves ``blocked_by_failures`` and goes on by itself. Raises StepNotFoundError, and TaskStateError for
        a step that hasn't failed or a task that is final.
        """
        done = self._store.repairs.reset(number, step, self._ids.stamp(), self._clock.now(), actor, reason)
        if done is None:
            raise self._refusal(task, number, step)
        self._memory.forget([number])
        if done.moved is not None:
            count_moved([done.moved])
        self._wake.ready({done.lane: done.rank})

    def _refusal(self, task: str, number: int, step: str) -> StepNotFoundError | TaskStateError:
        steps = {row.name: row for row in self._store.tasks.steps([number])[0][number]}
        if step not in steps:
            return StepNotFoundError(f"task {task} has no step {step!r}{did_you_mean(step, steps)}")
        state = TaskState(self._store.tasks.states([number])[number])
        if state.is_final:
            return TaskStateError(
                f"task {task} is {state} already; only a step of an unfinished task can be reset", state=state
            )
        found = steps[step].state
        return TaskStateError(
            f"step {step!r} of task {task} is {found}; only a step in {StepState.ERROR} can be reset", state=found
        )
