"""What a context builds only when a handler asks for it: ids as UUIDs, and the step as data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tasker_core.clock import step_uuid
from tasker_core.types.events import StepEvent

if TYPE_CHECKING:
    from tasker_core.types.context import StepContext


def sequence(
    *, task_name: str, namespace: str, version: str, task_uuid: str, correlation_id: str, context: Any, step_uuid: str,
    step_name: str, attempts: int, max_attempts: int, inputs: Any, checkpoint: Any, dependency_results: Any,
    callable: str, initialization: Any,
) -> dict[str, Any]:  # fmt: skip
    """The task, the step, its declaration and the results it depends on, as data."""
    return {
        "task": {
            "task_name": task_name,
            "namespace_name": namespace,
            "task_version": version,
            "task": {"task_uuid": task_uuid, "correlation_id": correlation_id, "context": context},
        },
        "workflow_step": {
            "workflow_step_uuid": step_uuid,
            "task_uuid": task_uuid,
            "name": step_name,
            "attempts": attempts,
            "max_attempts": max_attempts,
            "inputs": inputs,
            "checkpoint": checkpoint,
        },
        "dependency_results": dependency_results,
        "step_definition": {
            "name": step_name,
            "handler": {"callable": callable, "initialization": initialization},
        },
    }


def sequence_of(context: StepContext) -> dict[str, Any]:
    return sequence(
        task_name=context.task_name,
        namespace=context.namespace,
        version=context.template_version,
        task_uuid=str(context.task_uuid),
        correlation_id=str(context.correlation_id),
        context=context.input_data,
        step_uuid=str(context.step_uuid),
        step_name=context.step_name,
        attempts=context.retry_count,
        max_attempts=context.max_retries,
        inputs=context.step_inputs,
        checkpoint=context.checkpoint,
        dependency_results=context.dependency_results,
        callable=context.handler_name,
        initialization=context.step_config,
    )


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
