"""Reports as they were said, made outcomes; and what became of them, for the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

from tasker_core.clock import SECOND
from tasker_core.engine import Engine
from tasker_core.errors import PayloadError, PayloadTooLargeError
from tasker_core.rules.checkpoint import CheckpointError, checkpoint_after
from tasker_core.rules.payload import DEEPEST_PAYLOAD, LARGEST_PAYLOAD, decode, encode
from tasker_core.server.protocol.ticket import LeaseUnknownError, Seal, Ticket
from tasker_core.server.shapes.worker_protocol import (
    Drafted,
    LeaseCheckpoint,
    LeaseCompletion,
    LeaseFailure,
    LeaseRelease,
    Showing,
    StepFailure,
)
from tasker_core.words import Draft, Ending, JsonText, Outcome, Report, Settled, StepError

Ended: TypeAlias = LeaseCompletion | LeaseFailure | LeaseCheckpoint | LeaseRelease

MILLI = SECOND // 1_000
LONGEST_REASON = 500
TIMEOUT = "timeout"
"""The error type of an attempt whose time was up."""


class Refusal(NamedTuple):
    """Why a report isn't settled."""

    status: int
    code: str
    message: str


UNKNOWN = Refusal(404, "LEASE_UNKNOWN", "no lease was handed out with this lease_id and token")
REFUSED: Mapping[Settled, Refusal] = {
    Settled.LOST: Refusal(409, "LEASE_LOST", "the lease was lost or has been reported on otherwise; nothing changed"),
    Settled.CANCELLED: Refusal(409, "TASK_CANCELLED", "the task was cancelled; nothing changed"),
}


class Reader:
    """Makes what workers say of their leases into reports."""

    def __init__(self, engine: Engine, seal: Seal) -> None:
        self._engine, self._seal = engine, seal

    def ticket(self, lease: str, said: Showing) -> Ticket | Refusal:
        """The ticket that is shown of ``lease``."""
        try:
            return self._seal.open(lease, said.token)
        except LeaseUnknownError:
            return UNKNOWN

    def report(self, lease: str, said: Ended) -> Report | Refusal:
        """What became of ``lease``, for the engine to settle."""
        ticket = self.ticket(lease, said)
        if isinstance(ticket, Refusal):
            return ticket
        drafts: Sequence[Draft] | None = None
        try:
            outcome = self._outcome(ticket, said)
            if isinstance(said, LeaseCompletion | LeaseFailure) and said.events is not None:
                drafts = [_draft(event) for event in said.events]
        except PayloadTooLargeError as error:
            return Refusal(413, "PAYLOAD_TOO_LARGE", str(error))
        except PayloadError as error:
            return Refusal(422, "INVALID_RESULT", str(error))
        return Report(outcome, ticket.template, ticket.step, ticket.attempt, ticket.crashes, ticket.rank, drafts)

    def _outcome(self, ticket: Ticket, said: Ended) -> Outcome:
        match said:
            case LeaseCompletion():
                kept = {"result": said.result, **({"metadata": said.metadata} if said.metadata else {})}
                return Outcome(ticket.key, Ending.OK, result=_kept(kept, f"result of step '{ticket.step}'"))
            case LeaseFailure():
                return _failed(ticket, said.error)
            case LeaseCheckpoint():
                return self._yielded(ticket, said)
            case LeaseRelease():
                return Outcome(ticket.key, Ending.RELEASED, reason=said.reason[:LONGEST_REASON])

    def _yielded(self, ticket: Ticket, said: LeaseCheckpoint) -> Outcome:
        """What is kept goes on from what was kept before. Whoever repeats a report finds it kept already."""
        steps = self._engine.store.steps
        _, before = steps.payloads([ticket.key[:2]]).get(ticket.key[:2], (None, None))
        at = datetime.fromtimestamp(self._engine.clock.now() / SECOND, UTC).isoformat()
        try:
            saved = checkpoint_after(decode(before) if before is not None else None, said.model_dump(), at)
        except CheckpointError as error:
            ending, *_ = steps.reported_before([ticket.key]).get(ticket.key, (None,))
            if ending != Ending.YIELDED:
                stalled = StepError(str(error), "checkpoint_error", retryable=error.is_stall)
                return Outcome(ticket.key, Ending.FAILED, error=stalled)
            saved = decode(before) if before is not None else {}
        reason = f"checkpoint: {said.items_processed} items done"
        return Outcome(ticket.key, Ending.YIELDED, _kept(saved, f"checkpoint of step '{ticket.step}'"), reason=reason)


def _failed(ticket: Ticket, said: StepFailure) -> Outcome:
    _kept(said.context, f"context of the error of step '{ticket.step}'")
    error = StepError(
        said.message, said.error_type, said.retryable, said.error_code, tuple(said.backtrace), said.context
    )
    pause = None if said.retry_after_ms is None else said.retry_after_ms * MILLI
    ending = Ending.TIMED_OUT if said.error_type == TIMEOUT else Ending.FAILED
    return Outcome(ticket.key, ending, error=error, retry_after_us=pause)


def _kept(value: Any, what: str) -> JsonText:
    return encode(value, what, LARGEST_PAYLOAD, DEEPEST_PAYLOAD + 1)


def _draft(said: Drafted) -> Draft:
    payload = _kept(said.payload, "payload of an event") if "payload" in said.model_fields_set else None
    return Draft(said.position, said.publisher, payload, _kept(said.metadata, "metadata of an event"), said.trouble)
