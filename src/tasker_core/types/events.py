"""What travels to a worker with a step, and what is published about it afterwards."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class StepEvent(BaseModel):
    """A step handed to a worker, as data: ids, and under ``task_sequence_step`` the task, the step, its declaration and
    the results it depends on (the views of :mod:`tasker_core.models` read it).
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    event_id: str = ""
    task_uuid: UUID
    step_uuid: UUID
    correlation_id: UUID
    parent_correlation_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    task_sequence_step: dict[str, Any] = Field(default_factory=dict)


FfiStepEvent = StepEvent
"""The same class by its contract name."""


class DomainEventMetadata(BaseModel):
    """Where a domain event comes from. A publisher may add fields of its own."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")

    task_uuid: str
    step_uuid: str | None = None
    step_name: str | None = None
    namespace: str
    correlation_id: str
    fired_at: str
    fired_by: str


class ExecutionResult(BaseModel):
    """The end of a step's execution, as a domain event tells it."""

    success: bool
    result: Any = None
    error: dict[str, Any] | None = None
    execution_time_ms: int = 0


class InProcessDomainEvent(BaseModel):
    """A domain event delivered inside the process. ``payload`` holds the step, its execution result and the payload."""

    event_id: str
    event_name: str
    event_version: str = "1.0"
    metadata: DomainEventMetadata
    payload: dict[str, Any] = Field(default_factory=dict)
    execution_result: ExecutionResult | None = None
