"""What becomes of a report that the database can't keep, and how it is known again when it is repeated."""

from __future__ import annotations

import hashlib

from tasker_core.rules.payload import decode
from tasker_core.words import Ending, JsonText, Outcome, StepError

REFUSED = "serialization_error"


def spoiled(outcome: Outcome, why: str) -> Outcome:
    """The same attempt, ended as an error that tells why its outcome couldn't be kept, with no content of it.

    >>> from tasker_core.words import LeaseKey
    >>> said = Outcome(LeaseKey(1, 1, 1), Ending.OK, result="{}")
    >>> ended = spoiled(said, "too large")
    >>> ended.error.message, is_spoiled(ended), is_spoiled(said)
    ('the database refused the result: too large', True, False)
    """
    message = f"the database refused the result: {why}"
    error = StepError(message, REFUSED, retryable=False, context={"report": _digest(outcome)})
    return Outcome(outcome.key, Ending.FAILED, error=error)


def is_spoiled(outcome: Outcome) -> bool:
    return _refused(outcome) is not None


def is_what_became_of(error: JsonText | None, outcome: Outcome) -> bool:
    """Is the stored ``error`` what ``outcome`` was turned into because it couldn't be kept?"""
    kept = decode(error) if error is not None else {}
    if kept.get("error_type") != REFUSED:
        return False
    return (kept.get("context") or {}).get("report") == (_refused(outcome) or _digest(outcome))


def _refused(outcome: Outcome) -> str | None:
    """The digest of the report that was turned into this one."""
    error = outcome.error
    return error.context.get("report") if error is not None and error.error_type == REFUSED else None


def _digest(outcome: Outcome) -> str:
    said = repr((outcome.ending, outcome.result, outcome.error)).encode("utf-8", "backslashreplace")
    return hashlib.sha256(said).hexdigest()
