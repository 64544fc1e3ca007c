"""The words of the domain: plain frozen values that every floor shares.

Times are microseconds since the Unix epoch (UTC), durations too where the name ends in ``_us``; payloads (context,
result, error, checkpoint) are JSON *text*, encoded once and decoded by whoever reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

Micros: TypeAlias = int
"""Microseconds since the Unix epoch, or a number of microseconds."""

JsonText: TypeAlias = str
"""JSON, encoded."""


class TaskState(StrEnum):
    """The public states of a task. A row never rests in the short-lived ones: one transaction does their work."""

    PENDING = "pending"
    INITIALIZING = "initializing"
    ENQUEUING_STEPS = "enqueuing_steps"
    STEPS_IN_PROCESS = "steps_in_process"
    EVALUATING_RESULTS = "evaluating_results"
    WAITING_FOR_DEPENDENCIES = "waiting_for_dependencies"
    WAITING_FOR_RETRY = "waiting_for_retry"
    BLOCKED_BY_FAILURES = "blocked_by_failures"
    COMPLETE = "complete"
    ERROR = "error"
    CANCELLED = "cancelled"
    RESOLVED_MANUALLY = "resolved_manually"

    @property
    def is_final(self) -> bool:
        """Nothing of this task will ever run again."""
        return self in FINAL_TASK_STATES

    @property
    def is_at_rest(self) -> bool:
        """Final, or blocked until an operator acts."""
        return self.is_final or self is TaskState.BLOCKED_BY_FAILURES


FINAL_TASK_STATES = frozenset({TaskState.COMPLETE, TaskState.ERROR, TaskState.CANCELLED, TaskState.RESOLVED_MANUALLY})


class StepState(StrEnum):
    """The public states of a step. ``enqueued`` means ready and waiting for a worker."""

    PENDING = "pending"
    ENQUEUED = "enqueued"
    IN_PROGRESS = "in_progress"
    ENQUEUED_FOR_ORCHESTRATION = "enqueued_for_orchestration"
    ENQUEUED_AS_ERROR_FOR_ORCHESTRATION = "enqueued_as_error_for_orchestration"
    WAITING_FOR_RETRY = "waiting_for_retry"
    COMPLETE = "complete"
    ERROR = "error"
    CANCELLED = "cancelled"
    RESOLVED_MANUALLY = "resolved_manually"

    @property
    def satisfies(self) -> bool:
        """A step in this state lets its dependents run."""
        return self in (StepState.COMPLETE, StepState.RESOLVED_MANUALLY)

    @property
    def is_final(self) -> bool:
        """Only an operator's word changes this state."""
        return self in (StepState.COMPLETE, StepState.ERROR, StepState.CANCELLED, StepState.RESOLVED_MANUALLY)


class Death(StrEnum):
    """Why there is a dead letter: what a person should look at."""

    STALENESS_TIMEOUT = "staleness_timeout"
    MAX_RETRIES_EXCEEDED = "max_retries_exceeded"
    DEPENDENCY_CYCLE_DETECTED = "dependency_cycle_detected"
    WORKER_UNAVAILABLE = "worker_unavailable"
    WORKER_LOST = "worker_lost"
    MANUAL_DLQ = "manual_dlq"


class LeaseKey(NamedTuple):
    """Which claim of which step, the pass of every report: the task's number in the store, the step's number in the
    task, and the fence, which rises with each claim of the step and never falls. So no key is ever repeated."""

    task: int
    no: int
    fence: int


class Ending(StrEnum):
    """How an attempt ended, in the order from good to bad."""

    OK = "ok"
    YIELDED = "yielded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    RELEASED = "released"
    BY_HAND = "by_hand"
    """No handler ran: an operator ended the step."""
    TAKEN = "taken"
    """An operator took the step out of its worker's hands."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When and how often a failed step runs again; the attempts are counted in all, the first one included."""

    retryable: bool = True
    max_attempts: int = 3
    backoff: str = "exponential"
    backoff_base_ms: int = 1_000
    max_backoff_ms: int = 30_000
    jitter: float = 0.15


@dataclass(frozen=True, slots=True)
class StepError:
    """What went wrong in an attempt, as it is stored and shown."""

    message: str
    error_type: str
    retryable: bool = True
    error_code: str | None = None
    backtrace: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)


class Outcome(NamedTuple):
    """The end of one attempt, whoever ended it: a handler's return or error, a timeout, a lost worker, a hand-back.

    One that yielded has its checkpoint in ``result``.
    """

    key: LeaseKey
    ending: Ending
    result: JsonText | None = None
    error: StepError | None = None
    retry_after_us: Micros | None = None
    reason: str = ""


class Violation(NamedTuple):
    """What in a payload doesn't fit its schema. ``path`` is a JSON Pointer into the payload, "" for the whole of it."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class Attempted(NamedTuple):
    """What the rules need to know of the attempt that ended: which one it was, and what its step allows."""

    attempt: int
    retry: RetryPolicy
    crashes: int = 0
    max_crashes: int = 3


class Verdict(NamedTuple):
    """What an outcome means for its step: the next state, when it may run again, and what is written down.

    ``spends_attempt`` is False only for a hand-back and for one that yielded at a ``checkpoint``. ``crashes`` is the
    number of losses in a row after this one, ``death`` the reason for a dead letter, "" where nobody must look at it.
    """

    key: LeaseKey
    state: StepState
    run_at: Micros
    reason: str
    result: JsonText | None = None
    error: JsonText | None = None
    spends_attempt: bool = True
    crashes: int = 0
    checkpoint: JsonText | None = None
    death: str = ""


@dataclass(slots=True)
class Lease:
    """One claimed step, with what its handler needs.

    ``dependency_results`` maps step names to JSON texts ``{"result": ..., "metadata": ...}``, None for a step that was
    resolved without a result. ``rank`` orders steps: the lower, the sooner. ``traceparent`` is what the attempt's span
    hangs on (W3C Trace Context). ``inputs`` is what an instance of a batch is to work on, ``checkpoint`` how far an
    earlier attempt was. A lease that came decoded has its context and results in ``decoded``, and no text of them.
    """

    key: LeaseKey
    task_uuid: str
    worker: int
    template: str
    step: str
    lane: str
    rank: int
    attempt: int
    crashes: int
    claimed_at: Micros
    context: JsonText
    correlation_id: str
    dependency_results: Mapping[str, JsonText | None]
    traceparent: str | None = None
    inputs: JsonText | None = None
    checkpoint: JsonText | None = None
    decoded: tuple[dict[str, Any], dict[str, Any]] | None = None


class Settled(StrEnum):
    """The answer to one report."""

    APPLIED = "applied"
    REPLAYED = "replayed"
    LOST = "lost"
    CANCELLED = "cancelled"


class Pause(NamedTuple):
    """Who holds a task or a namespace, since when and why."""

    at: Micros
    actor: str
    reason: str


class Word(NamedTuple):
    """What an operator says, for the record: who, and why. The same ``stamp`` again is the same word, done once."""

    actor: str
    reason: str = ""
    stamp: int | None = None


def lane_of(namespace: str, handler: str) -> str:
    """The lane of a step: what a worker must serve to be offered it."""
    return f"{namespace}/{handler}"


HELD = "/"
"""What the lane of a step begins with while its task is paused. No namespace is empty: no worker serves such a lane."""
KEY_MARK = "\x1f"
"""Stands before the key of a limit, in the lane of what stands aside and in the slot of what runs."""


def split_lane(lane: str) -> tuple[str, str]:
    """The namespace and the handler of a lane."""
    namespace, _, handler = lane.partition(KEY_MARK)[0].partition("/")
    return namespace, handler


class Draft(NamedTuple):
    """What a worker's publisher made of an event of its step; ``position`` is its place in ``publishes_events``.

    Without a ``payload`` it isn't to be published: because of ``trouble``, or, without any, because the publisher held
    it back. ``metadata`` is an object of what the publisher adds.
    """

    position: int
    publisher: str
    payload: JsonText | None = None
    metadata: JsonText = "{}"
    trouble: str = ""


class Event(NamedTuple):
    """A domain event that a settlement published."""

    key: LeaseKey
    position: int
    id: str
    namespace: str
    step: str
    name: str
    mode: str
    publisher: str
    payload: JsonText
    metadata: JsonText
    at: Micros


def namespace_of(lane: str) -> str:
    """The namespace of a lane."""
    return lane.partition("/")[0]


class Report(NamedTuple):
    """An outcome as a worker hands it in, with what the lease said of the attempt.

    ``drafts`` are what the worker's publishers made of those of the step's events that its end would publish; None says
    that no publisher was asked, and the events are published as they are declared.
    """

    outcome: Outcome
    template: str
    step: str
    attempt: int
    crashes: int = 0
    rank: int = 0
    drafts: Sequence[Draft] | None = None


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A worker's wish for steps: at most ``room`` of them, from ``lanes`` in this order.

    ``wants`` names, per lane, the ancestors whose results the handler declared. The same ``stamp`` again is the same
    claim: what it got and is still in progress comes with it. None is for a claim that is never repeated.
    """

    worker: int
    lanes: Sequence[str]
    room: int
    wants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stamp: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to reports and a claim; ``events`` are what the reports published."""

    answers: Mapping[LeaseKey, Settled]
    leases: Sequence[Lease]
    events: Sequence[Event] = ()
