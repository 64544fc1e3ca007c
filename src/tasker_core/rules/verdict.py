"""What the end of an attempt means for its step. Pure: the same arguments give the same verdict, anywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tasker_core.rules.payload import encode
from tasker_core.rules.retry import delay_after
from tasker_core.words import (
    Attempted,
    Death,
    Ending,
    JsonText,
    LeaseKey,
    Micros,
    Outcome,
    StepError,
    StepState,
    Verdict,
)


def decide(outcome: Outcome, attempted: Attempted, now: Micros, roll: float) -> Verdict:
    """The verdict on ``outcome``: complete, error, a retry at a time, or back into the queue.

    ``attempted`` says which attempt ended and what its step allows; ``roll`` in [0, 1) spreads the retries.
    A hand-back spends no attempt, nor does one that yielded at a checkpoint. A lost worker spends one and runs again
    at once (the step didn't fail, its process did), unless it was the last attempt, the step isn't retryable, or
    ``max_crashes`` workers were lost in a row.
    """
    match outcome.ending:
        case Ending.OK:
            return Verdict(outcome.key, StepState.COMPLETE, now, "handler returned", result=outcome.result)
        case Ending.RELEASED:
            reason = outcome.reason or "handed back"
            return Verdict(
                outcome.key, StepState.ENQUEUED, now, reason, spends_attempt=False, crashes=attempted.crashes
            )
        case Ending.YIELDED:
            return Verdict(
                outcome.key, StepState.ENQUEUED, now, outcome.reason or "checkpoint", spends_attempt=False,
                checkpoint=outcome.result,
            )  # fmt: skip
        case Ending.LOST:
            return _after_loss(outcome, attempted, now)
        case _:
            return _after_failure(outcome, attempted, now, roll)


def by_hand(key: LeaseKey, state: StepState, result: JsonText | None, now: Micros, reason: str) -> Verdict:
    """The verdict of an operator, who ends a step as ``complete`` or ``resolved_manually``."""
    return Verdict(key, state, now, reason, result=result)


def _after_failure(outcome: Outcome, attempted: Attempted, now: Micros, roll: float) -> Verdict:
    error = outcome.error or StepError("the attempt failed without a word", "handler_error")
    policy, attempt, death = attempted.retry, attempted.attempt, ""
    if not error.retryable:
        end = f"{error.error_type}: permanent"
    elif not policy.retryable:
        end = f"{error.error_type}: the step isn't retryable"
    elif attempt >= policy.max_attempts:
        end = f"{error.error_type}: attempt {attempt} of {policy.max_attempts} was the last"
        death = Death.MAX_RETRIES_EXCEEDED
    else:
        wait = delay_after(policy, attempt, roll, outcome.retry_after_us)
        reason = f"{error.error_type}: attempt {attempt} of {policy.max_attempts}, retry in {wait / 1e6:.3f} s"
        return Verdict(outcome.key, StepState.WAITING_FOR_RETRY, now + wait, reason, error=error_text(error))
    return Verdict(outcome.key, StepState.ERROR, now, end, error=error_text(error), death=death)


def _after_loss(outcome: Outcome, attempted: Attempted, now: Micros) -> Verdict:
    crashes, policy = attempted.crashes + 1, attempted.retry
    error = outcome.error or StepError(outcome.reason or "the worker was lost", "worker_lost")
    if crashes >= attempted.max_crashes:
        end = f"worker_lost: {crashes} workers in a row were lost while running this step"
    elif attempted.attempt >= policy.max_attempts:
        end = f"worker_lost: attempt {attempted.attempt} of {policy.max_attempts} was the last"
    elif not policy.retryable:
        end = "worker_lost: the step isn't retryable"
    else:
        reason = f"worker_lost: attempt {attempted.attempt} of {policy.max_attempts}, runs again"
        return Verdict(outcome.key, StepState.ENQUEUED, now, reason, error=error_text(error), crashes=crashes)
    error = replace(error, retryable=False)
    return Verdict(
        outcome.key, StepState.ERROR, now, end, error=error_text(error), crashes=crashes, death=Death.WORKER_LOST
    )


def error_text(error: StepError) -> JsonText:
    """The error as it is stored; a context that isn't JSON is kept as its repr, since an error must never be lost."""
    body: dict[str, Any] = {
        "message": error.message,
        "error_type": error.error_type,
        "error_code": error.error_code,
        "retryable": error.retryable,
        "backtrace": list(error.backtrace),
        "context": dict(error.context),
    }
    try:
        return encode(body, "error")
    except ValueError:
        return encode(
            {
                **body,
                "message": body["message"][:10_000],
                "backtrace": [],
                "context": {"repr": repr(error.context)[:10_000]},
            },
            "error",
        )
