"""Read-only views of what a worker is given with a step: the task, the step, its declaration and its parents' results.

Every view is built by ``from_dict``, which takes None for "nothing there" and ignores keys it doesn't know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Data: TypeAlias = Mapping[str, Any]


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def unwrap_result(entry: Any) -> Any:
    """The handler's own result out of a stored entry, which wraps it as ``{"result": ...}``; anything else as it is."""
    if isinstance(entry, dict) and "result" in entry:
        return entry["result"]
    return entry


@dataclass(frozen=True)
class HandlerWrapper:
    """The ``handler`` of a step in its template: what to call, and with which static settings."""

    callable: str = ""
    initialization: dict[str, Any] = field(default_factory=dict)
    handler_method: str | None = None
    resolver: str | None = None

    @classmethod
    def from_dict(cls, data: Data | None) -> HandlerWrapper:
        data = data or {}
        return cls(
            callable=data.get("callable") or "",
            initialization=_mapping(data.get("initialization")),
            handler_method=data.get("method"),
            resolver=data.get("resolver"),
        )


@dataclass(frozen=True)
class StepDefinitionWrapper:
    """A step as its template declares it."""

    name: str = ""
    description: str | None = None
    handler: HandlerWrapper = field(default_factory=HandlerWrapper)
    system_dependency: str | None = None
    dependencies: list[str] = field(default_factory=list)
    timeout_seconds: int | None = None
    retry: dict[str, Any] = field(default_factory=dict)
    publishes_events: list[Any] = field(default_factory=list)

    @classmethod
    def from_dict(cls, data: Data | None) -> StepDefinitionWrapper:
        data = data or {}
        return cls(
            name=data.get("name") or "",
            description=data.get("description"),
            handler=HandlerWrapper.from_dict(data.get("handler")),
            system_dependency=data.get("system_dependency"),
            dependencies=list(data.get("dependencies") or ()),
            timeout_seconds=data.get("timeout_seconds"),
            retry=_mapping(data.get("retry")),
            publishes_events=list(data.get("publishes_events") or ()),
        )


@dataclass(frozen=True)
class DependencyResultsWrapper:
    """The results of the steps before this one, by step name."""

    results: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Data | None) -> DependencyResultsWrapper:
        return cls(results=dict(data or {}))

    def get_result(self, step_name: str) -> Any:
        """The stored entry as it is, or None."""
        return self.results.get(step_name)

    def get_results(self, step_name: str) -> Any:
        """What that step's handler returned, or None."""
        return unwrap_result(self.results.get(step_name))

    def keys(self) -> list[str]:
        return list(self.results)

    def __getitem__(self, step_name: str) -> Any:
        return self.results[step_name]

    def __contains__(self, step_name: object) -> bool:
        return step_name in self.results

    def __iter__(self) -> Iterator[str]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)


@dataclass(frozen=True)
class WorkflowStepWrapper:
    """A step of a task: where it stands and what it was given. ``attempts`` counts those before this one."""

    workflow_step_uuid: str = ""
    task_uuid: str = ""
    named_step_uuid: str = ""
    name: str = ""
    template_step_name: str = ""
    retryable: bool = True
    max_attempts: int = 3
    attempts: int = 0
    in_process: bool = False
    processed: bool = False
    processed_at: str | None = None
    last_attempted_at: str | None = None
    backoff_request_seconds: int | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    checkpoint: dict[str, Any] | None = None

    @classmethod
    def from_dict(cls, data: Data | None) -> WorkflowStepWrapper:
        data = data or {}
        return cls(
            workflow_step_uuid=str(data.get("workflow_step_uuid") or ""),
            task_uuid=str(data.get("task_uuid") or ""),
            named_step_uuid=str(data.get("named_step_uuid") or ""),
            name=data.get("name") or "",
            template_step_name=data.get("template_step_name") or data.get("name") or "",
            retryable=data.get("retryable", True),
            max_attempts=data.get("max_attempts") or 3,
            attempts=data.get("attempts") or 0,
            in_process=bool(data.get("in_process")),
            processed=bool(data.get("processed")),
            processed_at=data.get("processed_at"),
            last_attempted_at=data.get("last_attempted_at"),
            backoff_request_seconds=data.get("backoff_request_seconds"),
            inputs=_mapping(data.get("inputs")),
            results=_mapping(data.get("results")),
            checkpoint=data.get("checkpoint"),
        )


@dataclass(frozen=True)
class TaskWrapper:
    """The task a step belongs to. Its data may come flat or nested under ``task``."""

    task_uuid: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    namespace_name: str = ""
    task_name: str = ""
    task_version: str = ""
    correlation_id: str = ""
    parent_correlation_id: str | None = None
    initiator: str | None = None
    source_system: str | None = None
    reason: str | None = None
    priority: int = 0
    tags: list[str] = field(default_factory=list)

    @classmethod
    def from_dict(cls, data: Data | None) -> TaskWrapper:
        outer = data or {}
        inner = outer["task"] if isinstance(outer.get("task"), Mapping) else outer
        return cls(
            task_uuid=str(inner.get("task_uuid") or ""),
            context=_mapping(inner.get("context")),
            namespace_name=outer.get("namespace_name") or inner.get("namespace_name") or "",
            task_name=outer.get("task_name") or inner.get("task_name") or "",
            task_version=outer.get("task_version") or inner.get("task_version") or "",
            correlation_id=str(inner.get("correlation_id") or ""),
            parent_correlation_id=inner.get("parent_correlation_id"),
            initiator=inner.get("initiator"),
            source_system=inner.get("source_system"),
            reason=inner.get("reason"),
            priority=inner.get("priority") or 0,
            tags=list(inner.get("tags") or ()),
        )


@dataclass(frozen=True)
class TaskSequenceStepWrapper:
    """Everything about one step of one task."""

    task: TaskWrapper = field(default_factory=TaskWrapper)
    workflow_step: WorkflowStepWrapper = field(default_factory=WorkflowStepWrapper)
    dependency_results: DependencyResultsWrapper = field(default_factory=DependencyResultsWrapper)
    step_definition: StepDefinitionWrapper = field(default_factory=StepDefinitionWrapper)

    @classmethod
    def from_dict(cls, data: Data | None) -> TaskSequenceStepWrapper:
        data = data or {}
        return cls(
            task=TaskWrapper.from_dict(data.get("task")),
            workflow_step=WorkflowStepWrapper.from_dict(data.get("workflow_step")),
            dependency_results=DependencyResultsWrapper.from_dict(data.get("dependency_results")),
            step_definition=StepDefinitionWrapper.from_dict(data.get("step_definition")),
        )

    def get_task_field(self, name: str) -> Any:
        """A field of the task's context, or None."""
        return self.task.context.get(name)

    def get_dependency_result(self, step_name: str) -> Any:
        """The stored entry of a step before this one as it is, or None."""
        return self.dependency_results.get_result(step_name)

    def get_results(self, step_name: str) -> Any:
        """What the handler of a step before this one returned, or None."""
        return self.dependency_results.get_results(step_name)
