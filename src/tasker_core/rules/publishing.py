"""Which of a step's events the end of an attempt publishes, and what they hold where no publisher says."""

from __future__ import annotations

from typing import Any

from tasker_core.rules.payload import decode
from tasker_core.words import Ending, JsonText, StepState

GENERIC = "default"
"""The publisher of events for which the template names none."""

_FAILURES = frozenset({Ending.FAILED, Ending.TIMED_OUT, Ending.LOST})


def applies(condition: str, ending: Ending, state: StepState) -> bool:
    """Whether an event with this ``condition`` is published when an attempt ended so and its step is in ``state`` now.

    A failure is retryable when the step runs again, permanent when it doesn't. A hand-back and a checkpoint end no
    work, and an operator's word is no attempt: they publish nothing.

    >>> applies("retryable_failure", Ending.FAILED, StepState.WAITING_FOR_RETRY)
    True
    >>> applies("always", Ending.YIELDED, StepState.ENQUEUED)
    False
    """
    succeeded, failed = ending is Ending.OK and state is StepState.COMPLETE, ending in _FAILURES
    match condition:
        case "success":
            return succeeded
        case "failure":
            return failed
        case "retryable_failure":
            return failed and state is not StepState.ERROR
        case "permanent_failure":
            return failed and state is StepState.ERROR
        case _:
            return succeeded or failed


def generic_payload(result: Any, error: dict[str, Any] | None) -> dict[str, Any]:
    """What the handler returned; after a failure what went wrong.

    >>> generic_payload({"cents": 900}, None), generic_payload([1, 2], None)
    ({'cents': 900}, {'result': [1, 2]})
    >>> generic_payload(None, {"message": "declined", "error_type": "card", "backtrace": ["..."]})
    {'message': 'declined', 'error_type': 'card', 'error_code': None, 'retryable': None}
    """
    if error is not None:
        return {key: error.get(key) for key in ("message", "error_type", "error_code", "retryable")}
    if result is None:
        return {}
    return dict(result) if isinstance(result, dict) else {"result": result}


def returned(stored: JsonText | None) -> Any:
    """What the handler returned, from a stored result. Raises ValueError for what isn't one."""
    kept = decode(stored) if stored is not None else {}
    if not isinstance(kept, dict):
        raise ValueError('the result isn\'t wrapped as {"result": ...}')
    return kept.get("result")
