"""From what a handler returned or raised to its result: the one place that knows these rules."""

from __future__ import annotations

import traceback
from typing import Any

import pydantic
from pydantic_core import PydanticSerializationError

from tasker_core.errors import PermanentError, RetryableError, StepCancelledError, TaskerError
from tasker_core.types import ErrorType, StepHandlerResult


def result_of(value: Any) -> StepHandlerResult:
    """A result from whatever a function returned.

    A result stays as it is, a dict succeeds as it is, a pydantic model succeeds as its JSON form, None as ``{}`` and
    anything else as ``{"result": value}``.

    >>> result_of(42).result, result_of(None).result
    ({'result': 42}, {})
    """
    if isinstance(value, dict):
        return StepHandlerResult.success(value)
    if isinstance(value, StepHandlerResult):
        return value
    if value is None:
        return StepHandlerResult.success({})
    if hasattr(value, "model_dump"):
        return _dumped(value)
    return StepHandlerResult.success({"result": value})


def _dumped(model: Any) -> StepHandlerResult:
    try:
        value = model.model_dump(mode="json")
    except PydanticSerializationError as error:
        message = f"the returned {type(model).__name__} has no JSON form: {error}"
        return StepHandlerResult.failure(message, "serialization_error", retryable=False)
    return StepHandlerResult.success(value if isinstance(value, dict) else {"result": value})


def failure_of(error: Exception) -> StepHandlerResult:
    """A result from what a decorated function raised: permanent, retryable, or as the error itself says."""
    if isinstance(error, PermanentError):
        return _told(error, ErrorType.PERMANENT_ERROR, retryable=False)
    if isinstance(error, RetryableError):
        return _told(error, ErrorType.RETRYABLE_ERROR, retryable=True)
    if isinstance(error, StepCancelledError):
        return _told(error, "cancelled", retryable=False)
    if isinstance(error, TaskerError):
        return _told(error, ErrorType.HANDLER_ERROR, retryable=error.retryable)
    return StepHandlerResult.failure(_message(error), ErrorType.HANDLER_ERROR, retryable=True, metadata=_where(error))


def raised_failure(error: Exception) -> StepHandlerResult:
    """A result from what came out of a class-based handler's ``call``: the error type is the name of its class."""
    ending = failure_of(error)
    if not isinstance(error, StepCancelledError):
        ending.error_type = type(error).__name__
    return ending


def validation_failure(error: pydantic.ValidationError, what: str) -> StepHandlerResult:
    """A permanent failure: ``what`` does not fit its model. Fields are named, their values are not."""
    wrong = [
        {"field": ".".join(map(str, detail["loc"])) or "(all)", "message": detail["msg"], "type": detail["type"]}
        for detail in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    listed = "; ".join(f"{detail['field']}: {detail['message']}" for detail in wrong)
    return StepHandlerResult.failure(
        f"{what} does not fit {error.title}: {listed}",
        ErrorType.VALIDATION_ERROR,
        retryable=False,
        metadata={"exception_type": "ValidationError", "model": error.title, "errors": wrong},
    )


def _told(error: TaskerError, error_type: str, retryable: bool) -> StepHandlerResult:
    return StepHandlerResult.failure(_message(error), error_type, retryable, error.metadata, error.error_code)


def _message(error: Exception) -> str:
    return str(error) or type(error).__name__


def _where(error: Exception) -> dict[str, Any]:
    return {"exception_type": type(error).__name__, "traceback": "".join(traceback.format_exception(error))}
