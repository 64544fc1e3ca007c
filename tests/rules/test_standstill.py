"""Whether a task stands still: judged by what moved last, and by what its template says."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_core.rules.staleness import MINUTE, Course, Defaults, Pace, Standstill, limits_of, nearest
from tasker_core.rules.template_blocks import Lifecycle
from tasker_core.words import Micros, RetryPolicy, StepState, TaskState

NOW: Micros = 1_000_000 * MINUTE


def pace(state: StepState, minutes_ago: float, *, no: int = 1, attempt: int = 1, run_at: Micros = 0) -> Pace:
    return Pace(no, f"s{no}", state, f"shop/h{no}", attempt, run_at, NOW - round(minutes_ago * MINUTE))


def look(
    *steps: Pace, state: TaskState = TaskState.STEPS_IN_PROCESS, age: float = 500, moved: float = 500,
    says: dict[str, Any] | None = None, served: Micros | None = 0, policy: RetryPolicy | None = None,
    defaults: Defaults | None = None,
) -> Standstill | None:  # fmt: skip
    course = Course(state, NOW - round(age * MINUTE), NOW - round(moved * MINUTE), steps)
    limits = limits_of(Lifecycle(**says) if says is not None else None, defaults or Defaults())
    return nearest(course, limits, lambda _: served, lambda _: policy or RetryPolicy())


def is_stale(*steps: Pace, **more: Any) -> bool:
    found = look(*steps, **more)
    return found is not None and found.is_over(NOW)


READY, RUNNING, WAITING = StepState.ENQUEUED, StepState.IN_PROGRESS, StepState.WAITING_FOR_RETRY
RETRYING: dict[str, Any] = {"state": TaskState.WAITING_FOR_RETRY}


def test_a_long_healthy_step_moves() -> None:
    assert look(pace(RUNNING, 400)) is None
    assert look(pace(RUNNING, 400), pace(READY, 400, no=2)) is None


def test_a_ready_step_that_no_worker_serves_stands_still() -> None:
    assert not is_stale(pace(READY, 29.9))
    assert is_stale(pace(READY, 30))
    found = look(pace(READY, 31))
    assert found is not None
    assert (found.reason, found.limit, found.no) == ("worker_unavailable", "max_steps_in_process_minutes", 1)
    assert found.text(NOW) == (
        "has waited for a worker that serves h1 in shop for 31 min; max_steps_in_process_minutes allows 30 min"
    )


def test_a_queue_before_a_live_worker_isnt_a_standstill() -> None:
    assert look(pace(READY, 400), served=None) is None


def test_a_lane_counts_from_when_it_was_last_served() -> None:
    """A worker that has just gone may come back: how long the step has been in line says nothing."""
    assert not is_stale(pace(READY, 400), served=NOW - 29 * MINUTE)
    assert is_stale(pace(READY, 400), served=NOW - 30 * MINUTE)


def test_whatever_moved_last_counts() -> None:
    assert not is_stale(pace(READY, 400), pace(StepState.COMPLETE, 10, no=2))
    assert not is_stale(pace(READY, 400), moved=10), "an operator's word"


def test_a_retry_far_away_stands_still() -> None:
    assert not is_stale(pace(WAITING, 29), **RETRYING)
    assert is_stale(pace(WAITING, 30), **RETRYING)


def test_a_templates_own_backoff_is_waited_for_unless_it_names_a_limit() -> None:
    slow = RetryPolicy(max_backoff_ms=2 * 3_600_000)
    assert not is_stale(pace(WAITING, 100), policy=slow, **RETRYING)
    assert is_stale(pace(WAITING, 120), policy=slow, **RETRYING)
    assert is_stale(pace(WAITING, 40), policy=slow, says={"max_waiting_for_retry_minutes": 40}, **RETRYING)


def test_what_an_operator_put_back_for_later_waits_for_its_time() -> None:
    planned = pace(WAITING, 400, attempt=0, run_at=NOW + 5 * MINUTE)
    assert not is_stale(planned, **RETRYING)


def test_a_task_that_waits_for_a_person_isnt_judged() -> None:
    for state in (TaskState.BLOCKED_BY_FAILURES, TaskState.COMPLETE, TaskState.ERROR, TaskState.CANCELLED):
        assert look(pace(StepState.ERROR, 400), state=state, says={"max_duration_minutes": 1}) is None


def test_a_task_with_nothing_to_run_stands_still() -> None:
    assert not is_stale(pace(StepState.PENDING, 500), state=TaskState.PENDING, moved=59)
    found = look(pace(StepState.PENDING, 500), state=TaskState.PENDING, moved=60)
    assert found is not None and found.is_over(NOW) and found.limit == "max_waiting_for_dependencies_minutes"


def test_a_duration_is_an_age_however_well_the_task_moves() -> None:
    assert is_stale(pace(RUNNING, 0), says={"max_duration_minutes": 500})
    assert not is_stale(pace(RUNNING, 0), says={"max_duration_minutes": 501})
    assert is_stale(pace(RUNNING, 0), defaults=Defaults(duration=480))


def test_the_limit_that_is_exceeded_first_is_told() -> None:
    found = look(
        pace(READY, 10), age=20, moved=10, says={"max_duration_minutes": 60, "max_steps_in_process_minutes": 15}
    )
    assert found is not None and (found.limit, round(found.part(NOW), 2)) == ("max_steps_in_process_minutes", 0.67)


@pytest.mark.parametrize(("says", "fails", "buries"), [
    ({}, True, True),
    ({"staleness_action": "dlq"}, True, True),
    ({"staleness_action": "error"}, True, False),
    ({"staleness_action": "none"}, False, False),
    ({"staleness_action": "dlq", "auto_fail_on_timeout": False}, False, True),
    ({"staleness_action": "dlq", "auto_dlq_on_timeout": False}, True, False),
    ({"staleness_action": "none", "auto_dlq_on_timeout": True}, False, True),
    ({"staleness_action": "none", "auto_fail_on_timeout": True}, True, False),
    ({"staleness_action": "error", "auto_dlq_on_timeout": True}, True, True),
    ({"auto_fail_on_timeout": False, "auto_dlq_on_timeout": False}, False, False),
])  # fmt: skip
def test_each_combination_of_the_three_fields(says: dict[str, Any], fails: bool, buries: bool) -> None:
    limits = limits_of(Lifecycle(**says), Defaults())
    assert (limits.fails, limits.buries) == (fails, buries)
    quiet = limits_of(Lifecycle(**says), Defaults(fails=False, buries=False))
    named = {"staleness_action", "auto_fail_on_timeout", "auto_dlq_on_timeout"} & says.keys()
    assert (quiet.fails, quiet.buries) == ((fails, buries) if "staleness_action" in named else (
        says.get("auto_fail_on_timeout", False), says.get("auto_dlq_on_timeout", False)
    )), "settings count for what a template doesn't say"  # fmt: skip
