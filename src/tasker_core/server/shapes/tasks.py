"""Tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from tasker_core.engine.create import MOST_TASKS_A_CALL
from tasker_core.engine.requests import HIGHEST_PRIORITY, LOWEST_PRIORITY
from tasker_core.rules.explanation import ReasonKind
from tasker_core.rules.semver import LATEST, PATTERN
from tasker_core.server.shapes.base import SOME_TEXT, Shape
from tasker_core.words import StepState, TaskState

TRACEPARENT = "^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$"
Traceparent: TypeAlias = Annotated[str, Field(json_schema_extra={"pattern": TRACEPARENT})]


class TaskRequest(Shape):
    """A wish for a task. What is left out has its default; null is the same as left out."""

    name: str = Field(min_length=1, max_length=255, pattern=SOME_TEXT, description="The template's name.")
    namespace: str | None = Field(
        None, min_length=1, max_length=255, pattern=SOME_TEXT, description="Else the one that has the name."
    )
    version: str | None = Field(
        None, max_length=50, pattern=rf"^(?:{LATEST}|{PATTERN})$", description="Else 1.0.0, else the newest."
    )
    context: dict[str, Any] | None = Field(None, description="What the steps work on; at most 1 MiB, 100 levels.")
    initiator: str | None = Field(None, min_length=1, max_length=255, pattern=SOME_TEXT)
    source_system: str | None = Field(None, min_length=1, max_length=255, pattern=SOME_TEXT)
    reason: str | None = Field(None, min_length=1, max_length=500, pattern=SOME_TEXT)
    tags: list[str] | None = None
    priority: int | None = Field(None, ge=LOWEST_PRIORITY, le=HIGHEST_PRIORITY, description="The highest first.")
    correlation_id: UUID | None = None
    parent_correlation_id: UUID | None = None
    idempotency_key: str | None = Field(None, min_length=1, max_length=1_000, pattern=SOME_TEXT)
    task_uuid: UUID | None = Field(
        None, description="Made by the caller, so that a create whose answer was lost can be repeated."
    )
    options: dict[str, Any] | None = None
    requested_at: datetime | None = None
    traceparent: Traceparent | None = Field(None, description="The trace it belongs to; else the header of this name.")


class StepReadiness(Shape):
    workflow_step_uuid: UUID
    task_uuid: UUID
    named_step_uuid: UUID
    name: str
    current_state: StepState
    dependencies_satisfied: bool
    retry_eligible: bool
    ready_for_execution: bool
    last_failure_at: datetime | None
    next_retry_at: datetime | None
    total_parents: int
    completed_parents: int
    attempts: int
    max_attempts: int
    backoff_request_seconds: int | None
    last_attempted_at: datetime | None


class Warning(Shape):
    """A schema that a context or a result doesn't fit, where that isn't enforced."""

    code: str
    step: str | None
    attempt: int | None
    path: str
    message: str
    at: datetime | None


class Paused(Shape):
    """What holds a task."""

    what: Literal["task", "namespace"]
    by: str
    at: datetime
    reason: str


class _Task(Shape):
    """What every answer tells of a task."""

    task_uuid: UUID
    name: str
    namespace: str
    version: str
    status: TaskState
    created_at: datetime
    updated_at: datetime
    initiator: str
    source_system: str
    reason: str
    correlation_id: UUID
    total_steps: int


class _TaskUnderWay(_Task):
    """How far it is."""

    completed_at: datetime | None
    pending_steps: int
    in_progress_steps: int
    completed_steps: int
    failed_steps: int
    ready_steps: int
    execution_status: Literal[
        "blocked_by_failures", "has_ready_steps", "processing", "all_complete", "waiting_for_dependencies"
    ]
    recommended_action: str
    completion_percentage: float
    health_status: Literal["healthy", "recovering", "blocked", "unknown"]
    compensated: bool = Field(description="What it had done was undone: all its compensations are done.")


class TaskResponse(_TaskUnderWay):
    requested_at: datetime | None
    context: dict[str, Any]
    priority: int
    tags: list[str]
    parent_correlation_id: UUID | None
    idempotency_key: str | None
    steps: list[StepReadiness]
    warnings: list[Warning]
    paused: Paused | None


class PaginationInfo(Shape):
    """Where a page stands. A page that was asked for with `after` has no number and counts no totals."""

    page: int | None
    per_page: int
    total_count: int | None
    total_pages: int | None
    has_next: bool
    has_previous: bool
    next: UUID | None = Field(description="Give it as `after` for the page that follows.")


class TaskListResponse(Shape):
    tasks: list[TaskResponse]
    pagination: PaginationInfo


class TaskBatch(Shape):
    """Tasks to be created together: all of them, or none."""

    tasks: list[TaskRequest] = Field(min_length=1, max_length=MOST_TASKS_A_CALL)


class BriefTask(_Task):
    """A task without its steps and what follows from them."""

    context: dict[str, Any]
    priority: int
    tags: list[str]
    parent_correlation_id: UUID | None
    warnings: list[Warning]


class TaskBatchResponse(Shape):
    tasks: list[BriefTask]


class ContextResponse(Shape):
    task_uuid: UUID
    context: dict[str, Any]


class TransitionResponse(Shape):
    task_uuid: UUID
    step_uuid: UUID | None
    step_name: str | None
    from_state: str
    to_state: str
    at: datetime
    actor: str
    reason: str
    verb: str | None = Field(description="What an operator said; null where nobody did.")


class UnfinishedStep(Shape):
    no: int
    name: str
    state: StepState
    kind: ReasonKind
    text: str
    since: datetime | None
    details: dict[str, Any]


class Failure(Shape):
    step: str
    error_type: str
    message: str
    attempts: int
    max_attempts: int
    at: datetime | None
    verdict: str


class ExplanationResponse(Shape):
    task_uuid: UUID
    state: TaskState
    text: str
    since: datetime | None
    steps: list[UnfinishedStep]
    failures: list[Failure]
    advice: list[str]
    left_out: int = Field(description="Steps of batches and failures that aren't told one by one.")


class SummarisedTask(_TaskUnderWay):
    """A task without what it works on."""


class SummarisedTemplateStep(Shape):
    name: str
    step_type: str
    handler: str
    dependencies: list[str]
    retryable: bool
    max_attempts: int
    compensation: str | None = Field(description="The handler that undoes it.")


class SummarisedTemplate(Shape):
    steps: list[SummarisedTemplateStep]


class SummarisedError(Shape):
    type: str
    retryable: bool
    status_code: int | None


class SummarisedStep(Shape):
    step_uuid: UUID
    name: str
    template_step: str = Field(description="The step of the template that it is made from.")
    compensates: str | None = Field(description="The step that it undoes.")
    batch_index: int | None = Field(description="Of an instance of a batch: which piece it works on, from 0.")
    dependencies: list[str] = Field(description="The steps of this task that it waits for.")
    current_state: StepState
    created_at: datetime | None
    updated_at: datetime | None
    completed_at: datetime | None
    last_attempted_at: datetime | None
    next_retry_at: datetime | None
    attempts: int
    max_attempts: int
    dependencies_satisfied: bool
    retry_eligible: bool
    error: SummarisedError | None


class DlqState(Shape):
    in_dlq: bool
    dlq_reason: str | None
    resolution_status: str | None


class TaskSummaryResponse(Shape):
    """A task as a drawing needs it."""

    task: SummarisedTask
    template: SummarisedTemplate
    steps: list[SummarisedStep]
    dlq: DlqState
    links: dict[str, str]
