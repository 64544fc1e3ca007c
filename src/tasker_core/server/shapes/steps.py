"""Steps, their attempts, and what operators may say about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, RootModel

from tasker_core.server.shapes.base import Action, Actor, Shape
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
    template_step: str = Field(description="The step of the template that it is made from.")
    compensates: str | None = Field(description="Of a compensation: the step that it undoes.")
    batch_index: int | None = Field(description="Of an instance of a batch: which piece it works on, from 0.")
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


class ResetForRetry(Action):
    """A failed step runs again from its first attempt."""

    action_type: Literal["reset_for_retry"]
    reset_by: Actor = None


class ResolveManually(Action):
    """What waits for the step goes on without its result."""

    action_type: Literal["resolve_manually"]
    resolved_by: Actor = None


class Completion(Shape):
    result: Any = Field(description="What those steps read that depend on it.")
    metadata: dict[str, Any] = Field(default_factory=dict, description="Kept with it.")


class CompleteManually(Action):
    """The step is complete, with this result."""

    action_type: Literal["complete_manually"]
    completion_data: Completion
    completed_by: Actor = None


class StepAction(RootModel[ResetForRetry | ResolveManually | CompleteManually]):
    """What is to happen with a step."""

    root: ResetForRetry | ResolveManually | CompleteManually = Field(discriminator="action_type")
