"""What a caller of the client, the engine or the store may have to deal with.

All of them are ``RuntimeError`` too, and ``ValueError`` where an argument is at fault, so that code which catches those
catches these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tasker_core.errors.base import TaskerError
from tasker_core.words import Violation


class ClientError(TaskerError, RuntimeError):
    """A call could not be carried out."""

    retryable = False


class InvalidRequestError(ClientError, ValueError):
    """An argument is malformed; ``field`` names it where there is one."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class SettingsError(InvalidRequestError):
    """Settings that can't be used; the message names each variable, or file and line, and what would be right."""


class PayloadError(InvalidRequestError):
    """A context or result is too large, too deep or not JSON; the message says where and what the limit is."""


class PayloadTooLargeError(PayloadError):
    """A context or result is larger than what is kept."""


class SchemaViolationError(InvalidRequestError):
    """A context doesn't fit the template's ``input_schema``, and the template or the settings enforce it.

    ``violations`` are all that were found, at most 10; ``field`` is the place of the first: ``context/items/0/sku``.
    """

    def __init__(self, message: str, *, violations: Sequence[Violation]) -> None:
        super().__init__(message, field=f"context{violations[0].path}")
        self.violations: list[Violation] = list(violations)


class Finding(Protocol):
    """One thing wrong with a template: what, and where."""

    @property
    def message(self) -> str: ...
    @property
    def file(self) -> str | None: ...
    @property
    def line(self) -> int | None: ...


class TemplateError(ClientError, ValueError):
    """A template cannot be used; ``findings`` holds everything that was found, each with message, file and line."""

    def __init__(self, message: str, *, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.findings: list[Finding] = list(findings)


class UnknownTemplateError(ClientError):
    """No template of this name, namespace and version is registered."""


class DuplicateTaskError(ClientError):
    """This task exists already.

    ``task_uuid`` is the existing task; ``same_context`` is False when its key came back with other content.
    """

    def __init__(self, message: str, *, task_uuid: str, same_context: bool = True) -> None:
        super().__init__(message)
        self.task_uuid = task_uuid
        self.same_context = same_context


class TaskNotFoundError(ClientError):
    """There is no task of this id."""


class StepNotFoundError(ClientError):
    """There is no step of this id in this task."""


class NamespaceNotFoundError(ClientError):
    """No registered template has this namespace."""


class DeadLetterNotFoundError(ClientError):
    """There is no dead letter of this id, or of this task."""


class TaskStateError(ClientError):
    """The state of a task, step or namespace does not allow this, as cancelling a task that is final. ``state`` is that
    state."""

    def __init__(self, message: str, *, state: str | None = None) -> None:
        super().__init__(message)
        self.state = state


class CredentialsError(ClientError):
    """The server doesn't accept who asks: no key or token, or one that is wrong or has expired."""


class NotPermittedError(ClientError):
    """The server knows who asks, and doesn't permit what is asked; the message names the permission."""


class SubscriptionNotFoundError(ClientError):
    """There is no webhook or subscription of this id."""


class WorkerNotFoundError(ClientError):
    """No worker of this id is there."""
