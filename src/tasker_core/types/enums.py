"""Closed sets of words that results and settings use."""

from __future__ import annotations

from enum import StrEnum


class ErrorType(StrEnum):
    """The error types that every part of Tasker knows; a handler may use others."""

    PERMANENT_ERROR = "permanent_error"
    RETRYABLE_ERROR = "retryable_error"
    VALIDATION_ERROR = "validation_error"
    TIMEOUT = "timeout"
    HANDLER_ERROR = "handler_error"

    @classmethod
    def is_standard(cls, error_type: str) -> bool:
        """Whether ``error_type`` is one of these.

        >>> ErrorType.is_standard("timeout"), ErrorType.is_standard("card_declined")
        (True, False)
        """
        return error_type in cls._value2member_map_

    @classmethod
    def is_typically_retryable(cls, error_type: str) -> bool:
        """Whether such an error usually passes: a retryable error or a timeout."""
        return error_type in (cls.RETRYABLE_ERROR, cls.TIMEOUT)


class ResultStatus(StrEnum):
    """How the execution of a step ended."""

    SUCCESS = "completed"
    FAILURE = "error"
    RETRYABLE_ERROR = "retryable_error"
    PERMANENT_ERROR = "permanent_error"


class WorkerState(StrEnum):
    """The life of a worker."""

    STARTING = "starting"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting_down"
    STOPPED = "stopped"
    ERROR = "error"


class DecisionType(StrEnum):
    """What a decision step decided: to create steps, or none."""

    CREATE_STEPS = "create_steps"
    NO_BRANCHES = "no_branches"


class FailureStrategy(StrEnum):
    """What one failed item means to the rest of its batch."""

    CONTINUE_ON_FAILURE = "continue_on_failure"
    FAIL_FAST = "fail_fast"
    ISOLATE = "isolate"
