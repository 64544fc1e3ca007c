"""What the states of a task's steps say about the task."""

from __future__ import annotations

from collections.abc import Collection

from tasker_core.words import StepState, TaskState

MOVING = frozenset({StepState.ENQUEUED, StepState.IN_PROGRESS})


def task_state(steps: Collection[StepState]) -> TaskState:
    """The state of an unfinished task, from the states of its steps; the statement ``rest_tasks`` computes the same.

    >>> task_state([StepState.COMPLETE, StepState.WAITING_FOR_RETRY, StepState.PENDING]).value
    'waiting_for_retry'
    """
    if all(step.satisfies for step in steps):
        return TaskState.COMPLETE
    if any(step in MOVING for step in steps):
        return TaskState.STEPS_IN_PROCESS
    if StepState.WAITING_FOR_RETRY in steps:
        return TaskState.WAITING_FOR_RETRY
    if StepState.ERROR in steps:
        return TaskState.BLOCKED_BY_FAILURES
    return TaskState.PENDING
