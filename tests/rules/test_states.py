"""The state of a task, from the states of its steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_core.rules.states import task_state
from tasker_core.words import FINAL_TASK_STATES, StepState, TaskState

AT_REST = [
    state
    for state in StepState
    if state not in (StepState.ENQUEUED_FOR_ORCHESTRATION, StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION)
]


def naive(states: list[StepState]) -> TaskState:
    """The definition in words, one question after the other."""
    finished = {StepState.COMPLETE, StepState.RESOLVED_MANUALLY}
    if not set(states) - finished:
        return TaskState.COMPLETE
    if states.count(StepState.ENQUEUED) + states.count(StepState.IN_PROGRESS) > 0:
        return TaskState.STEPS_IN_PROCESS
    if states.count(StepState.WAITING_FOR_RETRY) > 0:
        return TaskState.WAITING_FOR_RETRY
    if states.count(StepState.ERROR) > 0:
        return TaskState.BLOCKED_BY_FAILURES
    return TaskState.PENDING


@given(st.lists(st.sampled_from(AT_REST), min_size=1))
def test_the_state_is_what_the_definition_says(states: list[StepState]) -> None:
    assert task_state(states) is naive(states)


@given(st.lists(st.sampled_from(AT_REST), min_size=1))
def test_the_order_of_the_steps_does_not_matter(states: list[StepState]) -> None:
    assert task_state(states) is task_state(sorted(states)) is task_state(states[::-1])


@given(st.lists(st.sampled_from(AT_REST), min_size=1))
def test_a_task_is_never_called_finished_while_a_step_is_not(states: list[StepState]) -> None:
    assert (task_state(states) in FINAL_TASK_STATES) == all(state.satisfies for state in states)


@pytest.mark.parametrize(
    ("steps", "task"),
    [
        (["complete", "complete"], "complete"),
        (["complete", "resolved_manually"], "complete"),
        (["complete", "enqueued", "pending"], "steps_in_process"),
        (["error", "in_progress", "pending"], "steps_in_process"),
        (["error", "waiting_for_retry"], "waiting_for_retry"),
        (["error", "pending", "complete"], "blocked_by_failures"),
        (["pending", "cancelled"], "pending"),
    ],
)
def test_some_mixtures(steps: list[str], task: str) -> None:
    assert task_state([StepState(step) for step in steps]) == task


def test_blocked_is_at_rest_but_not_final() -> None:
    assert TaskState.BLOCKED_BY_FAILURES.is_at_rest and not TaskState.BLOCKED_BY_FAILURES.is_final
    assert not TaskState.WAITING_FOR_RETRY.is_at_rest
