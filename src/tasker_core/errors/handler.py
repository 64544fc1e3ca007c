"""The errors a handler raises: named reasons, each retryable or permanent by its class."""

from __future__ import annotations

from tasker_core.errors.base import PermanentError, RetryableError, TaskerError


class TimeoutError(RetryableError):
    """An operation took too long. Top-level name: ``StepTimeoutError``."""


class NetworkError(RetryableError):
    """A connection failed or broke."""


class RateLimitError(RetryableError):
    """A service asked for fewer requests; pass its delay as ``retry_after``."""


class ServiceUnavailableError(RetryableError):
    """A service is down or overloaded for now."""


class ResourceContentionError(RetryableError):
    """A lock, a row or a pool is in use by someone else."""


class ValidationError(PermanentError):
    """The data is wrong and stays wrong. Top-level name: ``StepValidationError``."""


class NotFoundError(PermanentError):
    """What the step needs does not exist."""


class AuthenticationError(PermanentError):
    """The credentials were not accepted."""


class AuthorizationError(PermanentError):
    """The credentials do not allow this."""


class ConfigurationError(PermanentError):
    """A setting is missing or makes no sense."""


class BusinessLogicError(PermanentError):
    """A rule of the business says no."""


class StepCancelledError(TaskerError):
    """Raised by ``context.heartbeat()`` when the task was cancelled or the lease lost: stop, nothing will be stored."""

    retryable = False


class TransactionError(PermanentError):
    """A handler used ``context.transaction`` in a way that its step can't be settled in: nothing of it was kept."""


class HandlerDeclarationError(TaskerError, TypeError):
    """A handler is declared in a way that cannot work; raised while its module is imported."""

    retryable = False


class FFIError(TaskerError):
    """A value could not cross a language boundary. Kept for code that catches it; nothing here raises it."""


class ConversionError(TaskerError):
    """A value could not be turned into what was asked for."""

    retryable = False
