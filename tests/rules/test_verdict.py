"""Every ending of an attempt means something definite, and the same thing each time."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tasker_core.rules.payload import LARGEST_PAYLOAD
from tasker_core.rules.retry import LONGEST_WAIT
from tasker_core.rules.verdict import decide, error_text
from tasker_core.words import Attempted, Ending, LeaseKey, Outcome, RetryPolicy, StepError, StepState

KEY = LeaseKey(17, 1, 4)
NOW = 1_800_000_000_000_000

errors = st.builds(
    StepError,
    message=st.text(max_size=20),
    error_type=st.sampled_from(["handler_error", "timeout", "permanent_error", "worker_lost"]),
    retryable=st.booleans(),
    context=st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.binary(max_size=3)), max_size=2),
)
outcomes = st.builds(
    Outcome,
    st.just(KEY),
    st.sampled_from(Ending),
    result=st.sampled_from([None, '{"result":{}}']),
    error=st.none() | errors,
    retry_after_us=st.none() | st.integers(0, 2 * LONGEST_WAIT),
)
attempts = st.builds(
    Attempted,
    st.integers(1, 6),
    st.builds(RetryPolicy, retryable=st.booleans(), max_attempts=st.integers(1, 6)),
    crashes=st.integers(0, 4),
    max_crashes=st.integers(1, 4),
)
rolls = st.floats(0, 1, exclude_max=True)


@given(outcomes, attempts, rolls)
def test_every_outcome_has_one_verdict_that_a_row_can_hold(outcome: Outcome, attempted: Attempted, roll: float) -> None:
    verdict = decide(outcome, attempted, NOW, roll)
    assert verdict == decide(outcome, attempted, NOW, roll)
    assert verdict.key == KEY
    assert verdict.state in (StepState.COMPLETE, StepState.ENQUEUED, StepState.WAITING_FOR_RETRY, StepState.ERROR)
    assert verdict.reason
    assert NOW <= verdict.run_at <= NOW + LONGEST_WAIT
    assert verdict.run_at == NOW or verdict.state is StepState.WAITING_FOR_RETRY
    assert verdict.error is None or json.loads(verdict.error)["error_type"]


@given(outcomes, attempts, rolls)
def test_only_a_hand_back_and_a_checkpoint_are_free_and_only_losses_count_as_crashes(
    outcome: Outcome, attempted: Attempted, roll: float
) -> None:
    verdict = decide(outcome, attempted, NOW, roll)
    assert verdict.spends_attempt == (outcome.ending not in (Ending.RELEASED, Ending.YIELDED))
    match outcome.ending:
        case Ending.LOST:
            assert verdict.crashes == attempted.crashes + 1
        case Ending.RELEASED:
            assert verdict.crashes == attempted.crashes
        case _:
            assert verdict.crashes == 0


@given(outcomes, attempts, rolls)
def test_a_step_runs_again_only_while_attempts_are_left(outcome: Outcome, attempted: Attempted, roll: float) -> None:
    verdict = decide(outcome, attempted, NOW, roll)
    runs_again = verdict.state in (StepState.ENQUEUED, StepState.WAITING_FOR_RETRY)
    policy = attempted.retry
    match outcome.ending:
        case Ending.OK:
            assert verdict.state is StepState.COMPLETE and verdict.result == outcome.result and verdict.error is None
        case Ending.RELEASED:
            assert verdict.state is StepState.ENQUEUED and verdict.checkpoint is None
        case Ending.YIELDED:
            assert verdict.state is StepState.ENQUEUED and verdict.checkpoint == outcome.result
            assert verdict.result is None and verdict.error is None
        case Ending.LOST:
            allowed = policy.retryable and attempted.attempt < policy.max_attempts
            assert runs_again == (allowed and attempted.crashes + 1 < attempted.max_crashes)
            assert verdict.state is not StepState.WAITING_FOR_RETRY, "its process failed, not the step: no backoff"
        case _:
            mends = outcome.error is None or outcome.error.retryable
            assert runs_again == (mends and policy.retryable and attempted.attempt < policy.max_attempts)
            assert verdict.result is None and verdict.error is not None


def test_a_failure_names_what_ended_it() -> None:
    failed = Outcome(KEY, Ending.FAILED, error=StepError("no stock", "handler_error"))
    hopeless = Outcome(KEY, Ending.FAILED, error=StepError("declined", "permanent_error", retryable=False))
    two = RetryPolicy(max_attempts=2)
    assert decide(failed, Attempted(2, two), NOW, 0).reason == "handler_error: attempt 2 of 2 was the last"
    assert decide(hopeless, Attempted(1, two), NOW, 0).reason == "permanent_error: permanent"
    once = RetryPolicy(retryable=False)
    assert decide(failed, Attempted(1, once), NOW, 0).reason == "handler_error: the step isn't retryable"
    assert "retry in 0.850 s" in decide(failed, Attempted(1, two), NOW, 0).reason


def test_a_lost_worker_is_told_apart_from_a_failed_step() -> None:
    lost = Outcome(KEY, Ending.LOST, reason="worker 7 was lost")
    third = decide(lost, Attempted(3, RetryPolicy(max_attempts=50), crashes=2), NOW, 0)
    assert third.state is StepState.ERROR
    assert third.reason == "worker_lost: 3 workers in a row were lost while running this step"
    assert json.loads(third.error or "")["error_type"] == "worker_lost"
    last = decide(lost, Attempted(1, RetryPolicy(max_attempts=1)), NOW, 0)
    assert last.state is StepState.ERROR and "attempt 1 of 1 was the last" in last.reason


@given(errors)
def test_an_error_is_written_down_whatever_it_carries(error: StepError) -> None:
    kept = json.loads(error_text(error))
    assert kept["message"] == error.message
    assert kept["error_type"] == error.error_type
    assert kept["retryable"] == error.retryable


def test_an_error_too_large_to_keep_is_kept_in_part() -> None:
    error = StepError(
        "x" * 2 * LARGEST_PAYLOAD, "handler_error", backtrace=("line",), context={"blob": "y" * LARGEST_PAYLOAD}
    )
    text = error_text(error)
    assert len(text) < 50_000
    kept = json.loads(text)
    assert kept["message"] == "x" * 10_000
    assert kept["context"]["repr"].startswith("{'blob'")
