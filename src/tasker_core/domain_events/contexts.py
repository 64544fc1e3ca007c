"""What a publisher is told: the event, how the step ended, and which step it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tasker_core.rules.publishing import generic_payload
from tasker_core.types import StepContext

Condition: TypeAlias = Literal["success", "failure", "retryable_failure", "permanent_failure", "always"]
DeliveryMode: TypeAlias = Literal["durable", "fast", "broadcast"]


@dataclass(frozen=True)
class EventDeclaration:
    """An event as a template declares it: its name, when it is published, how and by whom, its payload's schema."""

    name: str
    condition: Condition | None = None
    delivery_mode: DeliveryMode | None = None
    publisher: str | None = None
    schema: Mapping[str, Any] | None = None

    def applies_to(self, result: StepResult) -> bool:
        """Whether the event is published when a step ends so. Without a condition it is on success.

        >>> EventDeclaration("payment.failed", "permanent_failure").applies_to(StepResult(False, retryable=False))
        True
        """
        match self.condition:
            case "always":
                return True
            case "failure":
                return not result.success
            case "retryable_failure":
                return not result.success and result.retryable
            case "permanent_failure":
                return not result.success and not result.retryable
            case _:
                return result.success


@dataclass(frozen=True)
class StepResult:
    """How a step ended: its result, or its error and whether another attempt may help."""

    success: bool
    result: dict[str, Any] | None = None
    error_message: str | None = None
    error_type: str | None = None
    retryable: bool = True
    execution_time_ms: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    error_code: str | None = None

    def plain_payload(self) -> dict[str, Any]:
        """What an event holds for which no publisher says otherwise: the result, or what went wrong.

        >>> StepResult(False, error_message="declined", error_type="card", retryable=False).plain_payload()
        {'message': 'declined', 'error_type': 'card', 'error_code': None, 'retryable': False}
        """
        error = {
            "message": self.error_message, "error_type": self.error_type, "error_code": self.error_code,
            "retryable": self.retryable,
        }  # fmt: skip
        return generic_payload(self.result, None if self.success else error)

    def as_dict(self) -> dict[str, Any]:
        """The result as an event carries it."""
        error = {
            "message": self.error_message, "error_type": self.error_type, "error_code": self.error_code,
            "retryable": self.retryable,
        }  # fmt: skip
        return {
            "success": self.success,
            "result": self.result,
            "error": None if self.success else error,
            "execution_time_ms": self.execution_time_ms,
            "metadata": self.metadata,
        }


@dataclass(frozen=True)
class StepEventContext:
    """The step that an event is about."""

    task_uuid: str
    step_uuid: str
    step_name: str
    namespace: str
    correlation_id: str
    result: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    task_sequence_step: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_step_context(
        cls,
        step_context: StepContext,
        result: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> StepEventContext:
        """The step that a handler was called with, with what it found out."""
        event = step_context.event
        return cls(
            task_uuid=str(step_context.task_uuid),
            step_uuid=str(step_context.step_uuid),
            step_name=step_context.step_name,
            namespace=step_context.namespace,
            correlation_id=str(step_context.correlation_id),
            result=result,
            metadata=metadata or {},
            task_sequence_step=event.task_sequence_step if event is not None else {},
        )


@dataclass(frozen=True)
class PublishContext:
    """One event that is to be published. ``event_name`` may be left to the ``event_declaration``."""

    event_name: str = ""
    step_result: StepResult = field(default_factory=lambda: StepResult(success=True))
    event_declaration: EventDeclaration | None = None
    step_context: StepEventContext | None = None

    @property
    def name(self) -> str:
        """The event's name."""
        return self.event_name or (self.event_declaration.name if self.event_declaration else "")
