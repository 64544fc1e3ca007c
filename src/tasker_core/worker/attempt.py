"""One attempt of one step: its context, its handler's call, its outcome."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from tasker_core.clock import step_uuid
from tasker_core.engine import StepTransaction
from tasker_core.errors import StepCancelledError, TransactionError
from tasker_core.rules.payload import decode
from tasker_core.rules.template_blocks import Publication
from tasker_core.step_handler.endings import raised_failure
from tasker_core.telemetry import metrics
from tasker_core.telemetry.measures import Timings
from tasker_core.types import StepContext
from tasker_core.words import Ending, Event, JsonText, Lease, Outcome, Report, RetryPolicy, StepError
from tasker_core.worker.outcomes import outcome_of, report_of

Reader = Callable[[int, str, str], JsonText | None]
"""(task, template, step name) -> stored result."""
Lender = Callable[[], StepTransaction]


REFUSED = "refused"
"""How a run ended whose attempt was over before it returned."""


@dataclass(frozen=True)
class Plan:
    """How this worker runs one step of one template; ``make`` gives a handler whose ``call`` does the work."""

    make: Callable[[], Any]
    is_async: bool
    handler_name: str
    task_name: str
    namespace: str
    version: str
    settings: dict[str, Any]
    max_attempts: int
    timeout: float | None
    may_repeat: bool = True
    """Whether the step may run again at all after it has begun."""
    publishes: Sequence[Publication] = ()
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    max_crashes: int = 3

    @cached_property
    def durations(self) -> dict[str, Timings]:
        """Where the runs of the handler are noted, by how they ended."""
        of = self.namespace, self.handler_name
        return {ending: metrics.STEP_DURATION.of(*of, ending) for ending in (*Ending, REFUSED)}


class Attempt:
    """An attempt, from its lease to its report; also what its context asks the worker (``AttemptLink``)."""

    __slots__ = (
        "_ending",
        "_lend",
        "_lock",
        "_read",
        "_thread",
        "_transaction",
        "begun_at",
        "cancelled_by",
        "deadline",
        "is_settled",
        "lease",
        "plan",
        "progress",
        "published",
        "running",
    )

    def __init__(self, lease: Lease, plan: Plan, read: Reader, lend: Lender) -> None:
        self.lease = lease
        self.plan = plan
        self.begun_at = 0.0
        self.deadline: float | None = None
        self.cancelled_by = ""
        self.progress: Any = None
        self.running: Any = None
        self.is_settled = False
        self.published: Sequence[Event] = ()
        self._read = read
        self._lend = lend
        self._thread = 0
        self._transaction: StepTransaction | None = None
        self._ending: str = ""
        self._lock = threading.Lock()

    # -- what the worker does with it

    def begin(self) -> StepContext:
        """Start the clock and make the handler's context."""
        plan = self.plan
        self.begun_at = time.monotonic()
        self._thread = threading.get_ident()
        deadline = None
        if plan.timeout is not None:
            self.deadline = self.begun_at + plan.timeout
            deadline = datetime.fromtimestamp(time.time() + plan.timeout, UTC)
        return self.context(deadline)

    def context(self, deadline: datetime | None = None) -> StepContext:
        """The attempt as its handler sees it."""
        lease, plan = self.lease, self.plan
        return StepContext.for_attempt(
            handler_name=plan.handler_name,
            task_uuid=lease.task_uuid,
            step=lease.key.no,
            correlation_id=lease.correlation_id,
            read_input=self._read_input,
            dependency_results=self._results(),
            step_config=dict(plan.settings),
            step_inputs=decode(lease.inputs) if lease.inputs is not None else {},
            retry_count=lease.attempt - 1,
            max_retries=plan.max_attempts,
            task_name=plan.task_name,
            namespace=plan.namespace,
            step_name=lease.step,
            template_version=plan.version,
            deadline=deadline,
            checkpoint=decode(lease.checkpoint) if lease.checkpoint is not None else None,
            link=self,
        )

    def finish(self, result: Any) -> Report | None:
        """The report of a call that returned; None when the attempt is over already (timed out, given up)."""
        return self._end(outcome_of(self.lease, result))

    def fail(self, error: BaseException) -> Report | None:
        """The report of a call that raised."""
        if isinstance(error, Exception):
            return self._end(outcome_of(self.lease, raised_failure(error)))
        # SystemExit and the like end the attempt, not the worker.
        told = StepError(f"the handler raised {type(error).__name__}: {error}", type(error).__name__)
        return self._end(Outcome(self.lease.key, Ending.FAILED, error=told))

    @property
    def has_transaction(self) -> bool:
        """Did its handler ask for a transaction?"""
        return self._transaction is not None

    def settle(self, report: Report | None) -> Report | None:
        """Settle a success in the handler's transaction; what else is to be reported, after all of it was undone.

        Never a success: that would be one without what its handler wrote.
        """
        transaction, self._transaction = self._transaction, None
        assert transaction is not None
        try:
            if report is None or report.outcome.ending not in (Ending.OK, Ending.YIELDED):
                return report
            error = transaction.settle(report, f"worker {self.lease.worker}")
        finally:
            transaction.end()
        if error is None:
            self.is_settled, self.published = True, transaction.events
            return None
        self._ending = Ending.FAILED
        return report._replace(outcome=Outcome(self.lease.key, Ending.FAILED, error=error))

    def interrupt(self) -> None:
        """Let a statement of the handler's fail that runs in its transaction."""
        if (transaction := self._transaction) is not None:
            transaction.interrupt()

    def time_out(self) -> Report | None:
        """The report of an attempt whose time is up; whatever its handler still returns is refused."""
        seconds = self.plan.timeout
        error = StepError(f"the attempt took longer than timeout_seconds: {seconds:g}", "timeout")
        report = self._end(Outcome(self.lease.key, Ending.TIMED_OUT, error=error))
        if report is not None:
            self.cancelled_by = "the attempt timed out"
        return report

    def release(self, reason: str) -> Report | None:
        """The report of an attempt that is handed back; it spends none."""
        return self._end(Outcome(self.lease.key, Ending.RELEASED, reason=reason))

    def abandon(self, reason: str) -> None:
        """The lease is lost or the task cancelled: the handler is told, and nothing is reported any more."""
        self.cancelled_by = reason
        self._end(None)

    @property
    def is_over(self) -> bool:
        """Reported already; a handler that still runs occupies its slot all the same."""
        return bool(self._ending)

    @property
    def ending(self) -> str:
        """How it ended; "refused" when it was given up with nothing reported, "" while it hasn't ended."""
        return self._ending

    @property
    def is_given_up(self) -> bool:
        """Over, and not by its handler: whatever that still returns is refused."""
        return bool(self._ending and self.cancelled_by)

    def _end(self, outcome: Outcome | None) -> Report | None:
        with self._lock:
            if self._ending:
                return None
            self._ending = REFUSED if outcome is None else outcome.ending
        if outcome is None:
            return None
        return report_of(self.lease, outcome)

    # -- what is told of it

    def log_fields(self) -> dict[str, Any]:
        """The ids that each log line of its handler carries."""
        lease, plan = self.lease, self.plan
        return {
            "task_uuid": lease.task_uuid,
            "step_uuid": step_uuid(lease.task_uuid, lease.key.no),
            "step": lease.step,
            "attempt": lease.attempt,
            "correlation_id": lease.correlation_id,
            "namespace": plan.namespace,
            "handler": plan.handler_name,
        }

    def span_attributes(self) -> dict[str, Any]:
        """What the attempt's span tells: ids and names."""
        told = {f"tasker.{name}": value for name, value in self.log_fields().items()}
        plan = self.plan
        return told | {
            "tasker.max_attempts": plan.max_attempts,
            "tasker.template": plan.task_name,
            "tasker.template_version": plan.version,
        }

    # -- what the handler's context asks

    def _read_input(self) -> dict[str, Any]:
        lease = self.lease
        value: dict[str, Any] = decode(lease.context) if lease.decoded is None else lease.decoded[0]
        return value

    def _results(self) -> dict[str, Any]:
        lease = self.lease
        if lease.decoded is not None:
            return {name: kept for name, kept in lease.decoded[1].items() if kept is not None}
        return {name: decode(text) for name, text in lease.dependency_results.items() if text is not None}

    def cancelled(self) -> bool:
        return bool(self.cancelled_by)

    def heartbeat(self, progress: Any) -> None:
        if self.cancelled_by:
            raise StepCancelledError(self.cancelled_by)
        if progress is not None:
            self.progress = progress

    def transaction(self) -> Any:
        if self._transaction is None:
            if self.plan.is_async or threading.get_ident() != self._thread:
                raise TransactionError(
                    "context.transaction is for a sync handler, in the thread that it is called in: it blocks"
                )
            if self._ending:
                raise StepCancelledError(self.cancelled_by or "the attempt is over")
            self._transaction = self._lend()
        return self._transaction.connection

    def read_result(self, step_name: str) -> Any | None:
        text = self._read(self.lease.key.task, self.lease.template, step_name)
        return decode(text).get("result") if text is not None else None
