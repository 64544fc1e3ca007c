"""A task as a drawing needs it: the template's graph, where each step stands, and where to read more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.rules.template import Template
from tasker_core.store.dead_letters import DeadLetterRow

OF_THE_TASK = (
    "task_uuid", "name", "namespace", "version", "status", "created_at", "updated_at", "completed_at", "initiator",
    "source_system", "reason", "correlation_id", "total_steps", "pending_steps", "in_progress_steps",
    "completed_steps", "failed_steps", "ready_steps", "execution_status", "recommended_action",
    "completion_percentage", "health_status", "compensated",
)  # fmt: skip
OF_A_STEP = (
    "step_uuid", "name", "template_step", "compensates", "batch_index", "current_state", "created_at", "updated_at",
    "completed_at", "last_attempted_at", "next_retry_at", "attempts", "max_attempts", "dependencies_satisfied",
    "retry_eligible",
)  # fmt: skip


def summary(
    view: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
    parents: Sequence[Sequence[str]],
    template: Template,
    letter: DeadLetterRow | None,
) -> dict[str, Any]:
    """The summary of a task, made of its view, its steps' views, the names of each step's parents, its template and its
    latest dead letter."""
    base = f"/v1/tasks/{view['task_uuid']}"
    return {
        "task": {key: view[key] for key in OF_THE_TASK},
        "template": {
            "steps": [
                {
                    "name": step.name,
                    "step_type": step.type,
                    "handler": step.handler.callable,
                    "dependencies": list(step.dependencies),
                    "retryable": step.retry_policy.retryable,
                    "max_attempts": step.retry_policy.max_attempts,
                    "compensation": step.compensate.handler.callable if step.compensate else None,
                }
                for step in template.steps
            ]
        },
        "steps": [
            {key: step[key] for key in OF_A_STEP} | {"dependencies": list(names), "error": _error(step)}
            for step, names in zip(steps, parents, strict=True)
        ],
        "dlq": {
            "in_dlq": letter is not None and letter.status == "pending",
            "dlq_reason": letter.reason if letter else None,
            "resolution_status": letter.status if letter else None,
        },
        "links": {"task": base, "steps": f"{base}/workflow_steps", "explain": f"{base}/explain"},
    }


def _error(step: Mapping[str, Any]) -> dict[str, Any] | None:
    error = (step["results"] or {}).get("error")
    if error is None:
        return None
    return {
        "type": error["error_type"], "retryable": error["retryable"],
        "status_code": (error.get("context") or {}).get("status_code"),
    }  # fmt: skip
