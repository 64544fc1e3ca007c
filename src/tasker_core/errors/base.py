"""The root of every error that Tasker raises, and the two kinds a handler chooses between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

E = TypeVar("E", bound="TaskerError")


class TaskerError(Exception):
    """Base of all of Tasker's errors. Raised by a handler, it fails the step and says whether trying again may help.

    Args:
        message: what went wrong, for people.
        retryable: whether another attempt may succeed; the class's own default when None.
        metadata: details that are stored with the failure (JSON-able).
        error_code: a code of yours, for programs; also put into ``metadata``.
        retry_after: seconds to wait at least before the next attempt; also put into ``metadata``.
        context: more details, merged into ``metadata``.

    >>> error = TaskerError("gateway is busy", error_code="GW-7", retry_after=30)
    >>> error.retryable, error.metadata
    (True, {'error_code': 'GW-7', 'retry_after': 30})
    """

    retryable: bool = True

    def __init__(
        self,
        message: str = "",
        *,
        retryable: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        error_code: str | None = None,
        retry_after: float | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.error_code = error_code
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = retryable
        if error_code is not None:
            self.metadata["error_code"] = error_code
        if retry_after is not None:
            self.metadata["retry_after"] = retry_after
        if context:
            self.metadata.update(context)

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, Any]:
        """The error as a dict: ``error_type`` (the class's name), ``message``, ``retryable``, ``metadata``."""
        return {
            "error_type": type(self).__name__,
            "message": self.message,
            "retryable": self.retryable,
            "metadata": self.metadata,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), self.args, self.__dict__)


def _revive(cls: type[E], args: tuple[Any, ...], state: dict[str, Any]) -> E:
    """Unpickle without calling the constructor, whose keyword arguments pickle knows nothing of."""
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class RetryableError(TaskerError):
    """Something that may pass: the step is tried again while it has attempts left.

    >>> raise RetryableError("stock service is restarting", retry_after=5)
    Traceback (most recent call last):
    ...
    tasker_core.errors.base.RetryableError: stock service is restarting
    """


class PermanentError(TaskerError):
    """Something that no further attempt can mend: the step ends here, and so does what depends on it."""

    retryable = False
