"""Every error of Tasker, in one hierarchy under :class:`TaskerError`.

A handler raises a :class:`RetryableError` for what may pass and a :class:`PermanentError` for what won't:

>>> def charge(amount: int) -> None:
...     if amount <= 0:
...         raise ValidationError(f"amount must be positive, not {amount}", error_code="BAD_AMOUNT")
>>> charge(0)
Traceback (most recent call last):
...
tasker_core.errors.handler.ValidationError: amount must be positive, not 0
"""

from __future__ import annotations

from tasker_core.errors.base import PermanentError, RetryableError, TaskerError
from tasker_core.errors.client import (
    ClientError,
    CredentialsError,
    DeadLetterNotFoundError,
    DuplicateTaskError,
    Finding,
    InvalidRequestError,
    NamespaceNotFoundError,
    NotPermittedError,
    PayloadError,
    PayloadTooLargeError,
    SchemaViolationError,
    SettingsError,
    StepNotFoundError,
    SubscriptionNotFoundError,
    TaskNotFoundError,
    TaskStateError,
    TemplateError,
    UnknownTemplateError,
    WorkerNotFoundError,
)
from tasker_core.errors.error_classifier import ErrorClassifier, get_classifier, is_permanent, is_retryable
from tasker_core.errors.handler import (
    AuthenticationError,
    AuthorizationError,
    BusinessLogicError,
    ConfigurationError,
    ConversionError,
    FFIError,
    HandlerDeclarationError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ResourceContentionError,
    ServiceUnavailableError,
    StepCancelledError,
    TimeoutError,
    TransactionError,
    ValidationError,
)
from tasker_core.errors.resolution import (
    AmbiguousHandlerError,
    HandlerNotFoundError,
    ResolutionError,
    ResolverNotFoundError,
)
from tasker_core.errors.store import (
    ServerError,
    ServerOverloadedError,
    StoreCorruptError,
    StoreDataError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreUnavailableError,
    StoreVersionError,
)
from tasker_core.errors.worker import WorkerAlreadyRunningError, WorkerBootstrapError, WorkerNotInitializedError

StepTimeoutError = TimeoutError
StepValidationError = ValidationError

__all__ = [
    "AmbiguousHandlerError",
    "AuthenticationError",
    "AuthorizationError",
    "BusinessLogicError",
    "ClientError",
    "ConfigurationError",
    "ConversionError",
    "CredentialsError",
    "DeadLetterNotFoundError",
    "DuplicateTaskError",
    "ErrorClassifier",
    "FFIError",
    "Finding",
    "HandlerDeclarationError",
    "HandlerNotFoundError",
    "InvalidRequestError",
    "NamespaceNotFoundError",
    "NetworkError",
    "NotFoundError",
    "NotPermittedError",
    "PayloadError",
    "PayloadTooLargeError",
    "PermanentError",
    "RateLimitError",
    "ResolutionError",
    "ResolverNotFoundError",
    "ResourceContentionError",
    "RetryableError",
    "SchemaViolationError",
    "ServerError",
    "ServerOverloadedError",
    "ServiceUnavailableError",
    "SettingsError",
    "StepCancelledError",
    "StepNotFoundError",
    "StepTimeoutError",
    "StepValidationError",
    "StoreCorruptError",
    "StoreDataError",
    "StoreError",
    "StoreFullError",
    "StoreLockedError",
    "StoreUnavailableError",
    "StoreVersionError",
    "SubscriptionNotFoundError",
    "TaskNotFoundError",
    "TaskStateError",
    "TaskerError",
    "TemplateError",
    "TimeoutError",
    "TransactionError",
    "UnknownTemplateError",
    "ValidationError",
    "WorkerAlreadyRunningError",
    "WorkerBootstrapError",
    "WorkerNotFoundError",
    "WorkerNotInitializedError",
    "get_classifier",
    "is_permanent",
    "is_retryable",
]
