"""The shapes of what goes over the wire, for the OpenAPI document. What is sent comes from the engine's views."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tasker_core.engine.requests import HIGHEST_PRIORITY, LOWEST_PRIORITY
from tasker_core.words import StepState, TaskState


class Shape(BaseModel):
    """Nothing is sent that isn't written here."""

    model_config = ConfigDict(extra="forbid")


class ErrorBody(Shape):
    code: str = Field(description="For programs; it doesn't change.")
    message: str = Field(description="For people.")
    field: str | None = Field(None, description="The argument at fault.")
    details: dict[str, Any] | None = None


class ErrorResponse(Shape):
    error: ErrorBody


class TaskRequest(Shape):
    """A wish for a task. What is left out has its default; null is the same as left out."""

    name: str = Field(min_length=1, max_length=255, description="The template's name.")
    namespace: str | None = Field(None, min_length=1, max_length=255, description="Else the one that has the name.")
    version: str | None = Field(None, min_length=1, max_length=50, description="Else 1.0.0, else the newest.")
    context: dict[str, Any] | None = Field(None, description="What the steps work on; at most 1 MiB, 100 levels.")
    initiator: str | None = Field(None, min_length=1, max_length=255)
    source_system: str | None = Field(None, min_length=1, max_length=255)
    reason: str | None = Field(None, min_length=1, max_length=500)
    tags: list[str] | None = None
    priority: int | None = Field(None, ge=LOWEST_PRIORITY, le=HIGHEST_PRIORITY, description="The highest first.")
    correlation_id: UUID | None = None
    parent_correlation_id: UUID | None = None
    idempotency_key: str | None = Field(None, min_length=1, max_length=1_000)
    task_uuid: UUID | None = Field(
        None, description="Made by the caller, so that a create whose answer was lost can be repeated."
    )
    options: dict[str, Any] | None = None
    requested_at: datetime | None = None


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


class TaskResponse(Shape):
    task_uuid: UUID
    name: str
    namespace: str
    version: str
    status: TaskState
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    requested_at: datetime | None
    context: dict[str, Any]
    initiator: str
    source_system: str
    reason: str
    priority: int
    tags: list[str]
    correlation_id: UUID
    parent_correlation_id: UUID | None
    idempotency_key: str | None
    total_steps: int
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
    steps: list[StepReadiness]
    warnings: list[Warning]


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


class StepError(Shape):
    message: str
    error_type: str
    error_code: str | None = None
    retryable: bool
    status_code: int | None = None
    backtrace: list[str]
    context: dict[str, Any]


class ExecutionResult(Shape):
    success: bool
    status: Literal["completed", "error"]
    result: Any = None
    error: StepError | None
    execution_time_ms: int
    metadata: dict[str, Any]


class Attempt(Shape):
    attempt: int
    ending: str
    state: StepState
    reason: str
    worker_uuid: UUID | None
    started_at: datetime | None
    ended_at: datetime | None
    execution_time_ms: int


class StepResponse(Shape):
    step_uuid: UUID
    task_uuid: UUID
    name: str
    created_at: datetime | None
    updated_at: datetime | None
    completed_at: datetime | None
    current_state: StepState
    dependencies_satisfied: bool
    retry_eligible: bool
    ready_for_execution: bool
    total_parents: int
    completed_parents: int
    attempts: int
    max_attempts: int
    last_failure_at: datetime | None
    next_retry_at: datetime | None
    last_attempted_at: datetime | None
    results: ExecutionResult | None
    history: list[Attempt]


class StepAuditResponse(Shape):
    audit_uuid: UUID
    workflow_step_uuid: UUID
    transition_uuid: UUID
    task_uuid: UUID
    recorded_at: datetime | None
    worker_uuid: UUID | None
    correlation_id: UUID
    success: bool
    execution_time_ms: int
    result: ExecutionResult
    step_name: str
    from_state: StepState
    to_state: StepState
    attempt: int
    ending: str
    reason: str


class HealthResponse(Shape):
    status: Literal["healthy", "degraded", "unhealthy"]
    timestamp: datetime


class HealthCheck(Shape):
    status: Literal["healthy", "degraded", "unhealthy"]
    message: str
    duration_ms: float | None


class HealthInfo(Shape):
    version: str
    environment: str
    operational_state: Literal["startup", "normal", "graceful_shutdown", "stopped"]
    uptime_seconds: float
    waiting_requests: int


class DetailedHealthResponse(HealthResponse):
    checks: dict[str, HealthCheck]
    info: HealthInfo
