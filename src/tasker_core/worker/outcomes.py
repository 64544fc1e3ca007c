"""What a handler returned, as the outcome of its attempt."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from tasker_core.clock import SECOND
from tasker_core.errors import PayloadError, ResolutionError
from tasker_core.rules.checkpoint import CheckpointError, checkpoint_after
from tasker_core.rules.payload import DEEPEST_PAYLOAD, LARGEST_PAYLOAD, decode, encode
from tasker_core.types import StepHandlerResult
from tasker_core.words import Ending, Lease, Micros, Outcome, Report, StepError


def outcome_of(lease: Lease, result: Any) -> Outcome:
    """How the attempt of ``lease`` ended whose handler returned ``result``."""
    if not isinstance(result, StepHandlerResult):
        error = StepError(
            f"the handler returned a {type(result).__name__}; call() must return a StepHandlerResult "
            "(self.success(...) or self.failure(...))",
            "handler_error", retryable=False,
        )  # fmt: skip
        return Outcome(lease.key, Ending.FAILED, error=error)
    if result.is_success and result.metadata.get("checkpoint_yield"):
        return _yielded(lease, result.result)
    if result.is_success:
        kept = {"result": result.result, "metadata": result.metadata} if result.metadata else {"result": result.result}
        try:
            text = encode(kept, f"result of step '{lease.step}'", LARGEST_PAYLOAD, DEEPEST_PAYLOAD + 1)
        except PayloadError as spoiled:
            refused = StepError(str(spoiled), "serialization_error", retryable=False)
            return Outcome(lease.key, Ending.FAILED, error=refused)
        return Outcome(lease.key, Ending.OK, result=text)
    metadata = dict(result.metadata)
    error = StepError(
        message=result.error_message or "the handler reported a failure",
        error_type=str(result.error_type or "handler_error"),
        retryable=result.retryable,
        error_code=result.error_code,
        backtrace=_lines(metadata.pop("traceback", None)),
        context=metadata,
    )
    return Outcome(lease.key, Ending.FAILED, error=error, retry_after_us=_retry_after(metadata))


def without_handler(lease: Lease, error: ResolutionError) -> Report:
    """The report of a step whose handler can't be found any more."""
    missing = StepError(str(error), "handler_not_found", retryable=False)
    return report_of(lease, Outcome(lease.key, Ending.FAILED, error=missing))


def report_of(lease: Lease, outcome: Outcome) -> Report:
    """What a worker tells of the end of an attempt."""
    return Report(outcome, lease.template, lease.step, lease.attempt, lease.crashes, lease.rank)


def _yielded(lease: Lease, said: Any) -> Outcome:
    at = datetime.fromtimestamp(time.time(), UTC).isoformat()
    try:
        saved = checkpoint_after(decode(lease.checkpoint) if lease.checkpoint is not None else None, said, at)
        text = encode(saved, f"checkpoint of step '{lease.step}'", LARGEST_PAYLOAD, DEEPEST_PAYLOAD + 1)
    except PayloadError as spoiled:
        refused = StepError(str(spoiled), "serialization_error", retryable=False)
        return Outcome(lease.key, Ending.FAILED, error=refused)
    except CheckpointError as error:
        stalled = StepError(str(error), "checkpoint_error", retryable=error.is_stall)
        return Outcome(lease.key, Ending.FAILED, error=stalled)
    return Outcome(lease.key, Ending.YIELDED, result=text, reason=f"checkpoint: {saved['items_processed']} items done")


def _retry_after(metadata: dict[str, Any]) -> Micros | None:
    seconds = metadata.get("retry_after", metadata.get("retry_after_seconds"))
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e9:
        return None
    return int(seconds * SECOND)


def _lines(text: Any) -> tuple[str, ...]:
    if isinstance(text, str):
        return tuple(text.splitlines(keepends=True))
    return tuple(map(str, text)) if isinstance(text, list | tuple) else ()
