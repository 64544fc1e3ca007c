"""What a handler is called with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from tasker_core.errors import TransactionError
from tasker_core.models import TaskSequenceStepWrapper, unwrap_result
from tasker_core.types.attempt_link import AttemptLink
from tasker_core.types.checkpoint import Checkpointed
from tasker_core.types.events import StepEvent
from tasker_core.types.sequence import LAZY, sequence_of


class StepContext(Checkpointed, BaseModel):
    """A step's attempt, as its handler sees it: the task's input, the results of earlier steps, its settings.

    ``input_data`` is the task's context. ``dependency_results`` holds, by step name, what earlier steps returned, each
    wrapped as ``{"result": ...}``. ``step_config`` is ``handler.initialization`` of the template. ``retry_count`` is
    the number of attempts before this one.

    >>> context = StepContext(
    ...     task_uuid="01980000-0000-7000-8000-000000000000", step_uuid="01980000-0000-7000-8000-000000000001",
    ...     correlation_id="01980000-0000-7000-8000-000000000002", handler_name="charge", step_name="charge",
    ...     input_data={"email": "ann@example.org"}, dependency_results={"cart": {"result": {"total": 42}}})
    >>> context.get_input("email"), context.get_dependency_field("cart", "total"), context.attempt
    ('ann@example.org', 42, 1)
    >>> context.idempotency_key
    '01980000-0000-7000-8000-000000000000:charge'
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    event: StepEvent | None = None
    task_uuid: UUID
    step_uuid: UUID
    correlation_id: UUID
    handler_name: str
    input_data: dict[str, Any] = Field(default_factory=dict)
    dependency_results: dict[str, Any] = Field(default_factory=dict)
    step_config: dict[str, Any] = Field(default_factory=dict)
    step_inputs: dict[str, Any] = Field(default_factory=dict)
    retry_count: int = 0
    max_retries: int = 3
    task_name: str = ""
    namespace: str = ""
    step_name: str = ""
    template_version: str = ""
    deadline: datetime | None = None

    _link: AttemptLink | None = PrivateAttr(default=None)
    _checkpoint: dict[str, Any] | None = PrivateAttr(default=None)
    _ids: tuple[str, str | int, str] | None = PrivateAttr(default=None)
    _read_input: Callable[[], dict[str, Any]] | None = PrivateAttr(default=None)

    @classmethod
    def for_attempt(
        cls,
        *,
        handler_name: str,
        task_uuid: str,
        step: str | int,
        correlation_id: str,
        read_input: Callable[[], dict[str, Any]],
        dependency_results: dict[str, Any],
        step_config: dict[str, Any],
        step_inputs: dict[str, Any],
        retry_count: int,
        max_retries: int,
        task_name: str,
        namespace: str,
        step_name: str,
        template_version: str,
        deadline: datetime | None = None,
        checkpoint: dict[str, Any] | None = None,
        link: AttemptLink | None = None,
    ) -> StepContext:
        """The context a worker makes for each attempt: nothing is validated or copied, and ids and event are built
        only when asked for, and so is the task's input, by ``read_input``. ``step`` is the step's UUID, or its number
        in the task, from which the UUID follows.
        """
        self = cls.__new__(cls)
        _set(
            self,
            "__dict__",
            {
                "handler_name": handler_name,
                "dependency_results": dependency_results,
                "step_config": step_config,
                "step_inputs": step_inputs,
                "retry_count": retry_count,
                "max_retries": max_retries,
                "task_name": task_name,
                "namespace": namespace,
                "step_name": step_name,
                "template_version": template_version,
                "deadline": deadline,
            },
        )
        _set(self, "__pydantic_fields_set__", set())
        _set(self, "__pydantic_extra__", None)
        _set(
            self,
            "__pydantic_private__",
            {
                "_link": link,
                "_checkpoint": checkpoint,
                "_ids": (task_uuid, step, correlation_id),
                "_read_input": read_input,
            },
        )
        return self

    @classmethod
    def from_ffi_event(cls, event: StepEvent, handler_name: str) -> StepContext:
        """The context of a step that comes as an event.

        Args:
            event: the step as data; ``attempts`` of its ``workflow_step`` counts the attempts before this one.
            handler_name: the handler that is to be called.
        """
        whole = TaskSequenceStepWrapper.from_dict(event.task_sequence_step)
        return cls(
            event=event,
            task_uuid=event.task_uuid,
            step_uuid=event.step_uuid,
            correlation_id=event.correlation_id,
            handler_name=handler_name,
            input_data=whole.task.context,
            dependency_results=whole.dependency_results.results,
            step_config=whole.step_definition.handler.initialization,
            step_inputs=whole.workflow_step.inputs,
            retry_count=whole.workflow_step.attempts,
            max_retries=whole.workflow_step.max_attempts,
        )

    @model_validator(mode="after")
    def _take_from_event(self) -> StepContext:
        if self.event is not None:
            whole = TaskSequenceStepWrapper.from_dict(self.event.task_sequence_step)
            self.task_name = self.task_name or whole.task.task_name
            self.namespace = self.namespace or whole.task.namespace_name
            self.template_version = self.template_version or whole.task.task_version
            self.step_name = self.step_name or whole.workflow_step.name or whole.step_definition.name
            self._checkpoint = whole.workflow_step.checkpoint
        return self

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            build = LAZY.get(name)
            if build is None or self._own("_ids") is None:
                return super().__getattr__(name)
            value = self.__dict__[name] = build(self)
            return value

    # -- what the step works on

    def get_input(self, key: str) -> Any:
        """A field of the task's context, or None."""
        return self.input_data.get(key)

    def get_input_or(self, key: str, default: Any = None) -> Any:
        """A field of the task's context; ``default`` if it is absent or None."""
        value = self.input_data.get(key)
        return default if value is None else value

    def get_config(self, key: str) -> Any:
        """A setting of the step's ``handler.initialization``, or None."""
        return self.step_config.get(key)

    def get_dependency_result(self, step_name: str) -> Any:
        """What the handler of an earlier step returned, or None. Any ancestor may be named, not only a parent."""
        entry = self.dependency_results.get(step_name)
        if entry is None:
            link = self._own("_link")
            value = link.read_result(step_name) if link is not None else None
            if value is not None:
                self.dependency_results[step_name] = {"result": value}
            return value
        return unwrap_result(entry)

    def get_dependency_field(self, step_name: str, *path: str) -> Any:
        """A field inside what an earlier step returned, or None where the path ends early."""
        value = self.get_dependency_result(step_name)
        for key in path:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value

    def get_dependency_result_keys(self) -> list[str]:
        """The names of the steps whose results came along."""
        return list(self.dependency_results)

    def get_all_dependency_results(self, prefix: str) -> list[Any]:
        """What every step whose name starts with ``prefix`` returned, in order of arrival, without the Nones."""
        found = [unwrap_result(entry) for name, entry in self.dependency_results.items() if name.startswith(prefix)]
        return [value for value in found if value is not None]

    # -- this attempt

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self.retry_count + 1

    def is_retry(self) -> bool:
        """Whether an earlier attempt failed."""
        return self.retry_count > 0

    def is_last_retry(self) -> bool:
        """Whether no attempt follows this one."""
        return self.retry_count >= self.max_retries - 1

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step and for no other step: hand it to APIs that deduplicate."""
        ids = self._own("_ids")
        return f"{ids[0] if ids else self.task_uuid}:{self.step_name}"

    @property
    def cancelled(self) -> bool:
        """Whether the attempt should stop: its task was cancelled, or its lease lost."""
        link = self._own("_link")
        return link is not None and bool(link.cancelled())

    def heartbeat(self, progress: Any = None) -> None:
        """Say that the work goes on. Liveness doesn't need it; staleness is judged by it.

        Args:
            progress: anything JSON-able to show to operators.

        Raises:
            StepCancelledError: the task was cancelled or the lease lost.
        """
        link = self._own("_link")
        if link is not None:
            link.heartbeat(progress)

    @property
    def transaction(self) -> Any:
        """A connection to Tasker's own database, in a transaction that is committed together with this step.

        A ``psycopg.Connection`` or ``sqlite3.Connection``, opened when it is first asked for. What is written on it
        and the step's completion are there together or not at all; where the handler fails, all of it is rolled back.
        Only a sync handler's own thread may ask for it.

        Raises:
            TransactionError: the handler is async, another thread asks, or the context isn't a worker's.
            StoreError: the database can't be reached, or is locked.
        """
        link = self._own("_link")
        if link is None:
            raise TransactionError("this context is no worker's, so it has no transaction; a test gives one of its own")
        return link.transaction()

    # -- where an earlier attempt left off

    @property
    def checkpoint(self) -> dict[str, Any] | None:
        """What the last ``checkpoint_yield`` saved, or None."""
        saved: dict[str, Any] | None = self._own("_checkpoint")
        return saved

    @property
    def task_sequence_step(self) -> TaskSequenceStepWrapper:
        """The task, the step, its declaration and the earlier results, as views."""
        if self.event is not None:
            return TaskSequenceStepWrapper.from_dict(self.event.task_sequence_step)
        return TaskSequenceStepWrapper.from_dict(sequence_of(self))

    def _own(self, name: str) -> Any:
        """A private attribute, without pydantic's slow way round."""
        private: Mapping[str, Any] | None = self.__pydantic_private__
        return None if private is None else private.get(name)


_set = object.__setattr__
