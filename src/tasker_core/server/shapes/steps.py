"""Steps, their attempts, and what operators may say about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from tasker_core.server.shapes.base import NO_NUL, Shape
from tasker_core.words import StepState


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


class StepAction(Shape):
    """What is to happen with a step."""

    action_type: Literal["reset_for_retry"]
    reason: str = Field("", max_length=500, pattern=NO_NUL, description="Why, for the record.")
    reset_by: str | None = Field(
        None, min_length=1, max_length=255, pattern=NO_NUL, description="Who does it, for the record."
    )
