"""What a context builds only when a handler asks for it: ids as UUIDs, and the step as data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tasker_core.clock import step_uuid
from tasker_core.types.events import StepEvent

if TYPE_CHECKING:
    from tasker_core.types.context import StepContext


def sequence_of(context: StepContext) -> dict[str, Any]:
    return {
        "task": {
            "task_name": context.task_name,
            "namespace_name": context.namespace,
            "task_version": context.template_version,
            "task": {
                "task_uuid": str(context.task_uuid),
                "correlation_id": str(context.correlation_id),
                "context": context.input_data,
            },
        },
        "workflow_step": {
            "workflow_step_uuid": str(context.step_uuid),
            "task_uuid": str(context.task_uuid),
            "name": context.step_name,
            "attempts": context.retry_count,
            "max_attempts": context.max_retries,
            "inputs": context.step_inputs,
            "checkpoint": context.checkpoint,
        },
        "dependency_results": context.dependency_results,
        "step_definition": {
            "name": context.step_name,
            "handler": {"callable": context.handler_name, "initialization": context.step_config},
        },
    }


def _event_of(context: StepContext) -> StepEvent:
    return StepEvent(
        event_id=f"{context.idempotency_key}:{context.attempt}",
        task_uuid=context.task_uuid,
        step_uuid=context.step_uuid,
        correlation_id=context.correlation_id,
        task_sequence_step=sequence_of(context),
    )


def _step_uuid_of(context: StepContext) -> UUID:
    task, step, _ = context._own("_ids")
    return UUID(step_uuid(task, step) if isinstance(step, int) else step)


LAZY: dict[str, Callable[[StepContext], Any]] = {
    "task_uuid": lambda context: UUID(context._own("_ids")[0]),
    "step_uuid": _step_uuid_of,
    "correlation_id": lambda context: UUID(context._own("_ids")[2]),
    "event": _event_of,
    "input_data": lambda context: context._own("_read_input")(),
}
