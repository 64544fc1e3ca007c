"""How a handler's attempt ended, as the handler says it and as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, overload
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tasker_core.types.enums import ErrorType, ResultStatus


class _MakeSuccess(Protocol):
    def __call__(self, result: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> StepHandlerResult: ...


class _Success:
    """``StepHandlerResult.success(...)`` makes a result; ``result.success`` tells whether it is one of success."""

    @overload
    def __get__(self, instance: None, owner: type[StepHandlerResult]) -> _MakeSuccess: ...
    @overload
    def __get__(self, instance: StepHandlerResult, owner: type[StepHandlerResult]) -> bool: ...
    def __get__(self, instance: StepHandlerResult | None, owner: type[StepHandlerResult]) -> _MakeSuccess | bool:
        return owner._make_success if instance is None else instance.is_success


class StepHandlerResult(BaseModel):
    """What a handler returns: a result, or an error and whether trying again may help.

    >>> done = StepHandlerResult.success({"total": 42})
    >>> done.success, done.result
    (True, {'total': 42})
    >>> failed = StepHandlerResult.failure("card declined", "card_declined", retryable=False)
    >>> failed.success, failed.error_type, failed.retryable
    (False, 'card_declined', False)
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(populate_by_name=True)

    is_success: bool = Field(alias="success")
    result: dict[str, Any] | None = None
    error_message: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    retryable: bool = True
    metadata: dict[str, Any] = Field(default_factory=dict)

    success: ClassVar[_Success] = _Success()

    @classmethod
    def _make_success(cls, result: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> StepHandlerResult:
        """A success.

        Args:
            result: what the step found out; JSON-able.
            metadata: what operators may want to know of it; JSON-able.
        """
        if type(result) is dict and cls is StepHandlerResult:
            return _success_of(result, dict(metadata) if metadata else {})
        return cls(is_success=True, result=dict(result), metadata=dict(metadata or {}))

    @classmethod
    def failure(
        cls,
        message: str,
        error_type: str = ErrorType.HANDLER_ERROR,
        retryable: bool = True,
        metadata: Mapping[str, Any] | None = None,
        error_code: str | None = None,
    ) -> StepHandlerResult:
        """A failure.

        Args:
            message: what went wrong, for people.
            error_type: which kind of error, for programs.
            retryable: whether another attempt may help.
            metadata: details; ``retry_after`` (seconds) sets the time of the next attempt.
            error_code: a code of yours.
        """
        return cls(
            is_success=False,
            error_message=message,
            error_type=str(error_type),
            error_code=error_code,
            retryable=retryable,
            metadata=dict(metadata or {}),
        )

    def is_success_result(self) -> bool:
        """Whether the step succeeded."""
        return self.is_success

    def is_failure_result(self) -> bool:
        """Whether the step failed."""
        return not self.is_success


_set = object.__setattr__


def _success_of(result: dict[str, Any], metadata: dict[str, Any]) -> StepHandlerResult:
    """Nearly every step ends here, with a dict of its own making: no validation could tell more, so none is done."""
    self = StepHandlerResult.__new__(StepHandlerResult)
    _set(
        self,
        "__dict__",
        {
            "is_success": True,
            "result": result,
            "error_message": None,
            "error_type": None,
            "error_code": None,
            "retryable": True,
            "metadata": metadata,
        },
    )
    _set(self, "__pydantic_fields_set__", {"is_success", "result", "metadata"})
    _set(self, "__pydantic_extra__", None)
    _set(self, "__pydantic_private__", None)
    return self


class StepHandlerCallResult(BaseModel):
    """A handler's answer with ``success`` as a plain field, for code that builds or reads it as data."""

    success: bool
    result: dict[str, Any] | None = None
    error_message: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    retryable: bool = True
    metadata: dict[str, Any] = Field(default_factory=dict)


class StepError(BaseModel):
    """What went wrong in an attempt."""

    error_type: str
    message: str
    stack_trace: str | None = None
    retryable: bool = True
    metadata: dict[str, Any] = Field(default_factory=dict)


class StepExecutionResult(BaseModel):
    """The end of one attempt, with who ran it and how long it took."""

    step_uuid: UUID
    task_uuid: UUID
    success: bool
    status: str
    execution_time_ms: int = 0
    result: dict[str, Any] | None = None
    error: StepError | None = None
    worker_id: str | None = None
    correlation_id: UUID | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def success_result(
        cls,
        step_uuid: UUID,
        task_uuid: UUID,
        result: dict[str, Any],
        execution_time_ms: int = 0,
        worker_id: str | None = None,
        correlation_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> StepExecutionResult:
        """An attempt that succeeded."""
        return cls(
            step_uuid=step_uuid,
            task_uuid=task_uuid,
            success=True,
            status=ResultStatus.SUCCESS,
            execution_time_ms=execution_time_ms,
            result=result,
            worker_id=worker_id,
            correlation_id=correlation_id,
            metadata=metadata or {},
        )

    @classmethod
    def failure_result(
        cls,
        step_uuid: UUID,
        task_uuid: UUID,
        error: StepError,
        execution_time_ms: int = 0,
        worker_id: str | None = None,
        correlation_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> StepExecutionResult:
        """An attempt that failed; the status says whether for good."""
        return cls(
            step_uuid=step_uuid,
            task_uuid=task_uuid,
            success=False,
            status=ResultStatus.RETRYABLE_ERROR if error.retryable else ResultStatus.PERMANENT_ERROR,
            execution_time_ms=execution_time_ms,
            error=error,
            worker_id=worker_id,
            correlation_id=correlation_id,
            metadata=metadata or {},
        )
