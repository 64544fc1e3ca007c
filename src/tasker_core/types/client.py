"""What the client answers: frozen values whose ``__dict__`` is JSON-able, so that a route may return it as it is.

Every field has a default; ``from_dict`` ignores keys it doesn't know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

R = TypeVar("R")


def build(cls: type[R], data: Mapping[str, Any]) -> R:
    """The value of a dataclass that ``data`` makes; keys that it doesn't know are passed over."""
    known: dict[str, Any] = cls.__dict__["__dataclass_fields__"]
    return cls(**{key: value for key, value in data.items() if key in known})


@dataclass(frozen=True)
class PaginationInfo:
    """Which page of how many."""

    page: int = 0
    per_page: int = 50
    total_count: int = 0
    total_pages: int = 0
    has_next: bool = False
    has_previous: bool = False

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PaginationInfo:
        return build(cls, data)


@dataclass(frozen=True)
class TaskResponse:
    """A task: its request, its state, the counts of its steps, each step's readiness and the warnings (as dicts), and
    who has ``paused`` it or its namespace (as a dict), if anybody has.

    ``compensated`` says that what it had done was undone: all compensations are done.

    >>> TaskResponse.from_dict({"task_uuid": "t-1", "status": "complete", "not_known_here": 1}).status
    'complete'
    """

    task_uuid: str = ""
    name: str = ""
    namespace: str = "default"
    version: str = ""
    status: str = ""
    created_at: str | None = None
    updated_at: str | None = None
    completed_at: str | None = None
    context: dict[str, Any] = field(default_factory=dict)
    initiator: str = ""
    source_system: str = ""
    reason: str = ""
    priority: int | None = None
    tags: list[str] | None = None
    correlation_id: str = ""
    parent_correlation_id: str | None = None
    total_steps: int = 0
    pending_steps: int = 0
    in_progress_steps: int = 0
    completed_steps: int = 0
    failed_steps: int = 0
    ready_steps: int = 0
    execution_status: str = ""
    recommended_action: str | None = None
    completion_percentage: float = 0.0
    health_status: str = ""
    compensated: bool = False
    steps: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    paused: dict[str, Any] | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TaskResponse:
        return build(cls, data)


@dataclass(frozen=True)
class TaskListResponse:
    """One page of tasks."""

    tasks: list[TaskResponse] = field(default_factory=list)
    pagination: PaginationInfo = field(default_factory=PaginationInfo)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TaskListResponse:
        return cls(
            tasks=[TaskResponse.from_dict(task) for task in data.get("tasks") or ()],
            pagination=PaginationInfo.from_dict(data.get("pagination") or {}),
        )


@dataclass(frozen=True)
class StepReadiness:
    """What :attr:`TaskResponse.steps` tells of each step, for code that wants it typed."""

    workflow_step_uuid: str = ""
    task_uuid: str = ""
    named_step_uuid: str = ""
    name: str = ""
    current_state: str = ""
    dependencies_satisfied: bool = False
    retry_eligible: bool = False
    ready_for_execution: bool = False
    last_failure_at: str | None = None
    next_retry_at: str | None = None
    total_parents: int = 0
    completed_parents: int = 0
    attempts: int = 0
    max_attempts: int = 0
    backoff_request_seconds: int | None = None
    last_attempted_at: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StepReadiness:
        return build(cls, data)


@dataclass(frozen=True)
class StepResponse:
    """A step. ``results`` is the whole execution result; what the handler returned is under its ``result``.

    ``template_step`` is the declared step that it is made from; ``batch_index`` tells the piece of a batch, from 0;
    ``compensates`` is the step that it undoes.
    """

    step_uuid: str = ""
    task_uuid: str = ""
    name: str = ""
    template_step: str = ""
    compensates: str | None = None
    batch_index: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    completed_at: str | None = None
    results: dict[str, Any] | None = None
    current_state: str = ""
    dependencies_satisfied: bool = False
    retry_eligible: bool = False
    ready_for_execution: bool = False
    total_parents: int = 0
    completed_parents: int = 0
    attempts: int = 0
    max_attempts: int = 0
    last_failure_at: str | None = None
    next_retry_at: str | None = None
    last_attempted_at: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StepResponse:
        return build(cls, data)


@dataclass(frozen=True)
class StepAuditResponse:
    """One entry of a step's history: what became of it, when, where and how long it took."""

    audit_uuid: str = ""
    workflow_step_uuid: str = ""
    transition_uuid: str = ""
    task_uuid: str = ""
    recorded_at: str = ""
    worker_uuid: str | None = None
    correlation_id: str | None = None
    success: bool = False
    execution_time_ms: int | None = None
    result: dict[str, Any] | None = None
    step_name: str = ""
    from_state: str | None = None
    to_state: str = ""
    attempt: int = 0
    ending: str = ""
    reason: str = ""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StepAuditResponse:
        return build(cls, data)


@dataclass(frozen=True)
class NamespaceResponse:
    """A namespace: how many ``templates`` it has for new tasks, who has ``paused`` it (``by``, ``at``, ``reason``), and
    the ``history`` of what operators said of it, where one is asked for by name."""

    namespace: str = ""
    templates: int = 0
    paused: dict[str, Any] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NamespaceResponse:
        return build(cls, data)


@dataclass(frozen=True)
class BulkResponse:
    """What came of something that was said of all tasks that match.

    ``matching`` is counted by a dry run, which tells a ``sample`` of them (``task_uuid``, ``namespace``, ``name``,
    ``status``). ``skipped`` counts those that had come to another state by then, by that state. ``failed`` are the
    first of ``failures`` (``task_uuid``, ``message``).

    >>> one, other = BulkResponse(done=2, skipped={"complete": 1}), BulkResponse(done=1, skipped={"complete": 1})
    >>> (one + other).done, (one + other).skipped
    (3, {'complete': 2})
    """

    matching: int | None = None
    sample: list[dict[str, Any]] = field(default_factory=list)
    done: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)
    next: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BulkResponse:
        return build(cls, data)

    def __add__(self, more: BulkResponse) -> BulkResponse:
        """This, and what came next."""
        skipped = {
            state: self.skipped.get(state, 0) + more.skipped.get(state, 0) for state in {**self.skipped, **more.skipped}
        }
        return BulkResponse(
            done=self.done + more.done, skipped=skipped, failures=self.failures + more.failures,
            failed=(self.failed + more.failed)[:20], next=more.next,
        )  # fmt: skip


@dataclass(frozen=True)
class HealthResponse:
    """Whether tasks can be created and read."""

    healthy: bool = False
    status: str = ""
    timestamp: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> HealthResponse:
        return build(cls, data)


ClientTaskResponse = TaskResponse
ClientTaskListResponse = TaskListResponse
ClientStepReadiness = StepReadiness
ClientStepResponse = StepResponse
ClientStepAuditResponse = StepAuditResponse
ClientHealthResponse = HealthResponse
ClientPaginationInfo = PaginationInfo
